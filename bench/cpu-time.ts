/**
 * Processor time of a process and all its descendants, from /proc/<pid>/stat (proc(5)).
 *
 * For each living process: utime + stime (all its threads, ended ones included) and
 * cutime + cstime (children that ended and were waited for). So a child that ends between two
 * readings moves from its own line to its parent's and is counted exactly once. Only a child
 * whose parent ignores SIGCHLD, or one that was adopted by init, could get lost.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** USER_HZ: what the kernel shows to programs is 100 per second on every Linux that Node runs on. */
const ticksPerSecond = 100

type ProcessLine = { readonly pid: number; readonly parent: number; readonly ticks: number }

/** The name (field 2) may hold blanks and brackets, so fields count from the last bracket. */
function parseStat(pid: number, text: string): ProcessLine {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // proc(5) numbers from 1 and field 3 is at index 0: utime 14, stime 15, cutime 16, cstime 17.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[1]), ticks }
}

function readProcessTable(): ProcessLine[] {
  const lines: ProcessLine[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    try {
      lines.push(parseStat(Number(name), readFileSync(`/proc/${name}/stat`, 'latin1')))
    } catch {
      // The process ended between readdir and read.
    }
  }
  return lines
}

function tree(root: number): ProcessLine[] {
  const table = readProcessTable()
  const found = table.filter((line) => line.pid === root)
  // The array grows while it is walked: children are appended behind their parents.
  for (const parent of found) found.push(...table.filter((line) => line.parent === parent.pid))
  return found
}

/** The process and all its descendants, parents first. */
export function processTree(root: number): number[] {
  return tree(root).map((line) => line.pid)
}

export function processTreeCpuSeconds(root: number): number {
  const lines = tree(root)
  if (lines.length === 0) throw new Error(`process ${root} is gone`)
  return lines.reduce((sum, line) => sum + line.ticks, 0) / ticksPerSecond
}

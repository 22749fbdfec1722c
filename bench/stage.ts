/** What every benchmark with servers needs around it: tools, a folder, an end, and a place for its figures. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Machine } from './machine.ts'
import { benchFile, findProgram } from './paths.ts'
import { killEverything } from './processes.ts'

export function requireTools(): void {
  const tools = { wrk: 'wrk', taskset: 'util-linux' }
  for (const [program, debianPackage] of Object.entries(tools)) {
    if (findProgram(program) !== undefined) continue
    throw new Error(`${program} is not installed (Debian package ${debianPackage})`)
  }
}

/**
 * Memory-backed where the machine has it, so that nginx's cache never waits for a disk; not if
 * programs may not run from there (usual in containers), since Varnish loads its compiled VCL.
 */
export function makeFolder(): string {
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((line) => line.split(' ')[1] === '/dev/shm')
  const parent = mount === undefined || mount.includes('noexec') ? tmpdir() : '/dev/shm'
  const folder = mkdtempSync(join(parent, 'layby-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/** Also by Ctrl-C. */
export function killOnExit(): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => process.exit(128 + constants.signals[name]))
  }
  process.once('exit', killEverything)
}

export function printMachine(machine: Machine): void {
  console.log(`${machine.cpuModel}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}`)
  if (machine.loadAverage <= 0.7) return
  console.log(`warning: load average is ${machine.loadAverage}, the figures are noisy`)
}

/** @returns the file's name for the reader */
export function writeResult(name: string, content: unknown): string {
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, undefined, 2)}\n`
  const path = benchFile('results', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.tmp`, text)
  renameSync(`${path}.tmp`, path)
  return `bench/results/${name}`
}

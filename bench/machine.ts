import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { findProgram } from './paths.ts'

export type Machine = {
  readonly date: string
  readonly cpuModel: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  /** Of the programs that are there; undefined ones are left out of the JSON. */
  readonly programs: Readonly<Record<string, string | undefined>>
  readonly loadAverage: number
}

export type Cores = { readonly server: number; readonly load: number }

function programVersion(name: string, option: string): string | undefined {
  const path = findProgram(name)
  if (path === undefined) return undefined
  // All three write it to stderr, and wrk then fails: only the text counts.
  const { stdout, stderr } = spawnSync(path, [option], { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0]
}

export function describeMachine(date: Date): Machine {
  const processors = cpus()
  return {
    date: date.toISOString(),
    cpuModel: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    kernel: release(),
    node: process.version,
    programs: {
      nginx: programVersion('nginx', '-v'),
      varnish: programVersion('varnishd', '-V'),
      wrk: programVersion('wrk', '-v'),
    },
    loadAverage: Number(readFileSync('/proc/loadavg', 'latin1').split(' ')[0]),
  }
}

/** "0-3,8" → [0, 1, 2, 3, 8] */
function parseCoreList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = '0', last = first] = range.split('-')
      const count = Number(last) - Number(first) + 1
      return Array.from({ length: count }, (_, index) => Number(first) + index)
    })
}

/** The first two cores that this process may use: 0 and 1, outside of a restricted container. */
export function chooseCores(): Cores {
  const status = readFileSync('/proc/self/status', 'latin1')
  const [server, load] = parseCoreList(/^Cpus_allowed_list:(.*)$/m.exec(status)?.[1] ?? '0')
  if (server === undefined || load === undefined) {
    throw new Error('needs two processor cores, one for the server and one for the load')
  }
  return { server, load }
}

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Question } from './http-client.ts'
import { benchFile } from './paths.ts'
import { spawnPinned } from './processes.ts'
import { unusedId, withId } from './requests.ts'

const connections = 64
/** Each connection of a paced load waits so long between an answer and its next request. */
const pauseMs = 5
/** More than are asked for in one run. */
const idsOfARun = 10_000_000

export type LoadOrder = {
  readonly port: number
  readonly question: Question
  readonly seconds: number
  readonly core: number
  readonly folder: string
  readonly tls: boolean
  /** Requests per second; null: as fast as they are answered. */
  readonly rate: number | null
}

/** What wrk counted; latencies are those of a saturated server, so mostly queueing. */
export type LoadReport = {
  readonly requests: number
  readonly microseconds: number
  /** Heads included. */
  readonly bytes: number
  /** Answers with a status above 399. */
  readonly statusErrors: number
  readonly socketErrors: number
  readonly p50: number
  readonly p99: number
}

export async function runLoad(order: LoadOrder): Promise<LoadReport> {
  const { method, path, headers } = order.question
  const headerFile = join(order.folder, 'request-headers.txt')
  writeFileSync(
    headerFile,
    Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
  const { rate } = order
  const wide = rate === null ? connections : Math.max(1, Math.round((rate * pauseMs) / 1000))
  const firstId = unusedId(idsOfARun)
  const scheme = order.tls ? 'https' : 'http'
  const child = spawnPinned({
    program: 'wrk',
    args: [
      ...['--threads', '1', '--connections', `${wide}`, '--duration', `${order.seconds}s`],
      ...[
        '--script',
        benchFile('wrk-requests.lua'),
        `${scheme}://127.0.0.1:${order.port}${withId(path, firstId)}`,
      ],
      ...['--', method, path, headerFile, `${rate === null ? 0 : pauseMs}`, `${firstId}`],
    ],
    core: order.core,
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString('utf8')
  }
  child.stdout?.on('data', collect)
  child.stderr?.on('data', collect)
  await once(child, 'close')
  const report = /^BENCH (.*)$/m.exec(output)?.[1]
  if (report === undefined) throw new Error(`wrk gave no report: ${output.slice(-1000)}`)
  return JSON.parse(report) as LoadReport
}

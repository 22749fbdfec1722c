import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface QueryResult {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Prometheus {
  /** What a query gives now. Rejects with Prometheus's own words where it is none. */
  query(expression: string): Promise<QueryResult[]>
  /** Any other question, by its path below `/api/v1`. */
  ask(path: string): Promise<unknown>
}

/** A Prometheus of this test's own that scrapes `target` once a second; gone when the test ends. */
export async function startPrometheus(
  t: Test,
  target: string,
  ruleFile: string,
): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'layby-prometheus-'))
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [ruleFile],
    scrape_configs: [{ job_name: 'layby', static_configs: [{ targets: [new URL(target).host] }] }],
  }
  const configFile = join(directory, 'prometheus.yml')
  // JSON is YAML.
  writeFileSync(configFile, JSON.stringify(config))
  const output: string[] = []
  const child = spawn(
    'prometheus',
    [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString()))
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    rmSync(directory, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${port}`
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`prometheus ended: ${output.join('').slice(-800)}`)
    return (await fetch(`${url}/-/ready`).catch(() => null))?.ok ?? false
  })
  const ask = async (path: string): Promise<unknown> => {
    const reply = (await (await fetch(`${url}/api/v1${path}`)).json()) as Reply
    if (reply.status !== 'success') throw new Error(reply.error ?? 'no success')
    return reply.data
  }
  const query = async (expression: string): Promise<QueryResult[]> => {
    const data = (await ask(`/query?query=${encodeURIComponent(expression)}`)) as QueryData
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }
  return { query, ask }
}

interface Reply {
  readonly status: string
  readonly error?: string
  readonly data: unknown
}

interface QueryData {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>
    readonly value: readonly [number, string]
  }[]
}

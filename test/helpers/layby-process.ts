import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

/** What is started. */
export const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

/** Layby as an operator runs it: a process of its own, without what tap adds to a child. */
export interface LaybyProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly opsUrl: string
  /** What it has written so far, to standard output and to standard error. */
  output(): string
  /** Resident memory in MiB, now and at most so far; Linux only. */
  memory(): { readonly now: number; readonly most: number }
  /** SIGTERM. @returns the exit code */
  end(): Promise<number | null>
}

export interface Start {
  /** What comes before the command, in a shell. */
  readonly shell?: string
  /** Of Node. */
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Resolves when it listens, on ports of its own choice. Killed when the test ends. */
export async function startLayby(
  t: Test,
  upstreamUrl: string,
  { shell = '', flags = [], environment = {} }: Start = {},
): Promise<LaybyProcess> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    LAYBY_SERVER_PORT: '0',
    LAYBY_OPS_PORT: '0',
    LAYBY_SERVER_DRAIN_DELAY_MS: '0',
    LAYBY_UPSTREAM_URL: upstreamUrl,
    ...environment,
  }
  const node = `unset NODE_OPTIONS; exec "${process.execPath}" ${flags.join(' ')} "${MAIN}"`
  const child = spawn('/bin/sh', ['-c', shell + node], { env })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => written.push(String(chunk)))
  }
  const { url, opsUrl } = await addressesIn(child)
  return {
    child,
    url,
    opsUrl,
    output: () => written.join(''),
    memory: () => memoryOf(child.pid as number),
    end: () => {
      child.kill('SIGTERM')
      return exited
    },
  }
}

async function addressesIn({
  stdout,
}: ChildProcess): Promise<{ readonly url: string; readonly opsUrl: string }> {
  let text = ''
  for (;;) {
    const [chunk] = (await once(stdout as NonNullable<typeof stdout>, 'data')) as [Buffer]
    text += chunk
    const found = /"url":"([^"]+)","ops_url":"([^"]+)"/.exec(text)
    if (found !== null) return { url: found[1] as string, opsUrl: found[2] as string }
  }
}

function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(status)?.[1]) / 1_024
  return { now: mebibytes('VmRSS'), most: mebibytes('VmHWM') }
}

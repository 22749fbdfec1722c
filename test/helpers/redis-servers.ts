import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

/** A redis-server of this test's own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly directory: string
  /** What `redis-cli` says, without its final line break. */
  cli(...args: string[]): Promise<string>
  /** SIGKILL. */
  kill(): Promise<void>
  /** On the same port and directory, with the same options. */
  start(): Promise<void>
  /** SIGSTOP: connections stay open, nothing is answered. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** @param at a port that is known to be free; any, otherwise */
export async function launchRedis(args: readonly string[] = [], at?: number): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), 'layby-redis-'))
  const port = at ?? (await freePort())
  const own = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory]
  const plain = ['--save', '', '--appendonly', 'no', '--daemonize', 'no']
  let child: ChildProcess | null = null
  const cli = async (...words: string[]): Promise<string> => {
    const { stdout } = await run('redis-cli', ['-p', String(port), ...words], {
      maxBuffer: 2 ** 28,
    })
    return stdout.replace(/\n$/, '')
  }
  const start = async (): Promise<void> => {
    const output: string[] = []
    const started = spawn('redis-server', [...own, ...plain, ...args], { stdio: 'pipe' })
    child = started
    started.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString()))
    started.on('error', (error) => output.push(error.message))
    for (let attempt = 0; attempt < 200; attempt++) {
      if (started.exitCode !== null) break
      // A server that asks for a password answers as well.
      const answer = await cli('PING').catch(() => '')
      if (/PONG|NOAUTH|LOADING/.test(answer)) return
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error(`redis-server did not start: ${output.join('').slice(-500)}`)
  }
  const kill = async (): Promise<void> => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await gone
  }
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    directory,
    cli,
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** As `launchRedis`, gone when the test ends. */
export async function startRedis(t: Test, args: readonly string[] = []): Promise<RedisServer> {
  const server = await launchRedis(args)
  t.teardown(() => server.close())
  return server
}

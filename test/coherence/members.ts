import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { bareNode } from '../helpers/bare-node.ts'
import { type Gate, openGate } from './gate.ts'
import type { Mutant } from './instance.ts'

const ENTRY = fileURLToPath(new URL('instance.js', import.meta.url))
const SECRET = 'a secret for tests only, 32 long and more'

/** One Layby in a process of its own, with its own way to Redis. */
export interface Member {
  readonly gate: Gate
  /** Base URL; null while it is down. */
  url: string | null
  /** Grows with every start. */
  incarnation: number
  start(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  pause(): void
  resume(): void
}

export async function addMember(
  upstreamUrl: string,
  redisPort: number,
  mutant: Mutant | null,
): Promise<Member> {
  const gate = await openGate(redisPort)
  let child: ChildProcess | null = null
  const config = {
    server: { port: 0, drainDelayMs: 0, maxEventLoopDelayMs: 0 },
    ops: { port: 0 },
    upstream: { url: upstreamUrl, connections: 256 },
    redis: { url: `redis://127.0.0.1:${gate.port}` },
    secret: SECRET,
    log: { level: 'error' },
  }
  const member: Member = {
    gate,
    url: null,
    incarnation: 0,
    start: async () => {
      const started = spawn('env', bareNode([ENTRY, JSON.stringify({ config, mutant })]), {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = started
      const [chunk] = (await once(started.stdout, 'data')) as [Buffer]
      member.url = (JSON.parse(chunk.toString().split('\n')[0] ?? '') as { url: string }).url
      member.incarnation++
      started.stdout.resume()
    },
    kill: async () => {
      member.url = null
      if (child === null || child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await gone
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
  }
  await member.start()
  return member
}

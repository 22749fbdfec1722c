import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

/** What Redis is told from now on. */
export interface RedisMonitor {
  /** All of it so far, as `redis-cli MONITOR` writes it. */
  text(): string
  /** Keys of Layby that were named. */
  names(): string[]
  stop(): Promise<void>
}

/** Resolves when it sees everything. */
export async function monitorRedis(t: Test, port: number): Promise<RedisMonitor> {
  const child = spawn('redis-cli', ['-p', String(port), 'MONITOR'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const gone = once(child, 'exit')
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const stop = async (): Promise<void> => {
    child.kill()
    await gone
  }
  t.teardown(stop)
  await once(child.stdout, 'data')
  const text = (): string => Buffer.concat(chunks).toString('latin1')
  const names = (): string[] => [
    ...new Set([...text().matchAll(/"(layby:[^"]+)"/g)].map(([, name = '']) => name)),
  ]
  return { text, names, stop }
}

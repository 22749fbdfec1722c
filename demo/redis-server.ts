/** A Redis for the demo: the one that LAYBY_REDIS_URL names, or a `redis-server` of its own on a free port. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export interface DemoRedis {
  readonly url: string
  stop(): void
}

/** @throws Error with one line that says what is missing */
export async function provideRedis(known: string | undefined): Promise<DemoRedis> {
  if (known !== undefined && known !== '') return { url: known, stop: () => {} }
  const port = await freePort()
  const options = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  // In a process group of its own: Ctrl+C in the terminal is for the demo, which ends it after what uses it.
  const child = spawn('redis-server', options, { stdio: 'ignore', detached: true })
  const stop = (): void => void child.kill()
  process.once('exit', stop)
  const failed = once(child, 'error').then(() => {
    throw new Error(
      '--redis needs redis-server (Debian: apt-get install redis-server), or LAYBY_REDIS_URL',
    )
  })
  await Promise.race([untilListening(port), failed])
  return { url: `redis://127.0.0.1:${port}`, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isThere) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('redis-server does not listen')
}

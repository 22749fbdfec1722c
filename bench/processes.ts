import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { processTree } from './cpu-time.ts'

export type Command = {
  readonly program: string
  readonly args: readonly string[]
  /** The processor core that the program and its children may use. */
  readonly core: number
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export type RunningProcess = {
  readonly pid: number
  /** Throws when the program has ended; what it wrote last is the cause. */
  readonly assertAlive: () => void
  readonly stop: () => Promise<void>
}

const running = new Set<ChildProcess>()

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Already gone.
  }
}

/** For process 'exit', where nothing can be awaited any more. */
export function killEverything(): void {
  for (const child of running) {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue
    for (const pid of processTree(child.pid)) signal(pid, 'SIGKILL')
  }
  running.clear()
}

/** An environment of our own, so that a LAYBY_ variable of the caller changes no figure. */
function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...extra }
}

export function spawnPinned(command: Command): ChildProcess {
  const child = spawn('taskset', ['-c', `${command.core}`, command.program, ...command.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(command.env),
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

export async function startServer(command: Command): Promise<RunningProcess> {
  const child = spawnPinned(command)
  const { pid } = child
  if (pid === undefined) {
    const [cause] = await once(child, 'error')
    throw new Error('taskset cannot be started', { cause })
  }
  let words = ''
  const keepLast = (chunk: Buffer) => {
    words = `${words}${chunk.toString('utf8')}`.slice(-2000)
  }
  child.stdout?.on('data', keepLast)
  child.stderr?.on('data', keepLast)
  const ended = once(child, 'exit')

  return {
    pid,
    assertAlive: () => {
      if (child.exitCode === null && child.signalCode === null) return
      throw new Error(`it ended (${child.exitCode ?? child.signalCode})`, { cause: words.trim() })
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      // Taken first: a master that has to be killed would leave its workers behind.
      const pids = processTree(pid)
      signal(pid, 'SIGTERM')
      const patience = new AbortController()
      const tooLong = delay(5000, 'too long', { signal: patience.signal }).catch(() => 'stopped')
      if ((await Promise.race([ended, tooLong])) === 'too long') {
        for (const each of pids) signal(each, 'SIGKILL')
        await ended
      }
      patience.abort()
    },
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Asks again until `isReady` says yes; a refused connection counts as no. */
export async function untilReady(
  server: RunningProcess,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const giveUpAt = performance.now() + 20_000
  while (performance.now() < giveUpAt) {
    server.assertAlive()
    if (await isReady().catch(() => false)) return
    await delay(25)
  }
  throw new Error('not ready after 20 seconds')
}

/** An upstream that swallows connections, as a firewall does that drops what it does not like (reliability F21). */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'

/** Listens, and never takes a connection: its event loop stands still. */
const NEVER_ACCEPTS = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () =>
    process.send(server.address().port, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)),
  )`

/** What the kernel calls a connection that was asked for, and not answered. */
const SYN_SENT = '02'

export interface BlackHole {
  readonly url: string
  /** Connections to it that wait for an answer, of whatever process. */
  halfOpen(): number
}

/** A port whose queue is full: who comes now hears nothing. Linux only. */
export async function startBlackHole(t: Test): Promise<BlackHole> {
  const child: ChildProcess = spawn(process.execPath, ['-e', NEVER_ACCEPTS], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    child.kill('SIGKILL')
  })
  const [port] = (await once(child, 'message')) as [number]
  for (let isTaken = true; isTaken; ) {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket.on('error', () => {}))
    isTaken = await Promise.race([once(socket, 'connect').then(() => true), delay(500, false)])
  }
  // The one that found the queue full.
  sockets.pop()?.destroy()
  return { url: `http://127.0.0.1:${port}`, halfOpen: () => halfOpenTo(port) }
}

function halfOpenTo(port: number): number {
  const there = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to = '', state]) => to.endsWith(there) && state === SYN_SENT).length
}

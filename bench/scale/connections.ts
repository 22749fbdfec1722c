/** Keep-alive connections that can be left alone, as raw as they get. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** So many are opened at once: the listener's backlog holds them. */
const AT_ONCE = 100

/** One connection: asks, waits for the whole answer, and remembers when it was closed. */
export class Connection {
  readonly #socket: Socket
  readonly #request: Buffer
  #received = ''
  #answered: (() => void) | null = null
  #failed: ((error: Error) => void) | null = null
  #answeredAt = 0
  /** How long after its last answer it was closed, in milliseconds; null: it is open. */
  closedAfterMs: number | null = null

  constructor(socket: Socket, request: Buffer) {
    this.#socket = socket
    this.#request = request
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#failed?.(error))
    socket.on('close', () => {
      this.closedAfterMs = performance.now() - this.#answeredAt
      this.#failed?.(new Error('closed before it was answered'))
    })
  }

  /** @returns milliseconds from the request to the end of its answer */
  async ask(): Promise<number> {
    const from = performance.now()
    await new Promise<void>((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(this.#request)
    })
    this.#failed = null
    this.#answeredAt = performance.now()
    return this.#answeredAt - from
  }

  end(): Promise<unknown> {
    if (this.closedAfterMs !== null) return Promise.resolve()
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    return closed
  }

  #onData(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    const headEnd = this.#received.indexOf('\r\n\r\n')
    if (headEnd === -1) return
    if (!this.#received.startsWith('HTTP/1.1 200 ')) {
      this.#failed?.(new Error(`answered with ${this.#received.slice(0, 40)}`))
      return
    }
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#received)?.[1]
    if (this.#received.length < headEnd + 4 + Number(length)) return
    this.#received = ''
    this.#answered?.()
  }
}

async function open(port: number, request: Buffer): Promise<Connection> {
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  return new Connection(socket, request)
}

/** Opens connections that have each been answered once. */
export async function openConnections(
  port: number,
  request: Buffer,
  count: number,
): Promise<Connection[]> {
  const opened: Connection[] = []
  while (opened.length < count) {
    const wanted = Math.min(AT_ONCE, count - opened.length)
    const some = await Promise.all(Array.from({ length: wanted }, () => open(port, request)))
    await Promise.all(some.map((connection) => connection.ask()))
    opened.push(...some)
  }
  return opened
}

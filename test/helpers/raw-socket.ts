/** Bytes as they are, on both sides of the proxy: what an HTTP library would refuse to send or show. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Test } from 'tap'

export interface RawReply {
  readonly status: number
  readonly reason: string
  /** Names in lower case; lines of one name joined with commas. */
  readonly headers: ReadonlyMap<string, string>
  /** As they stood, in order. */
  readonly lines: readonly string[]
  readonly body: string
}

export interface RawResult {
  readonly replies: readonly RawReply[]
  /** Whether the other side ended the connection by itself before the deadline. */
  readonly closed: boolean
  readonly text: string
}

const DEADLINE_MS = 10_000

/**
 * Writes bytes as they are and reads until the other side closes, or until `enough` replies are complete.
 *
 * @param bytes latin1 text: one character, one byte
 * @param isHead whether the replies have no bodies, whatever their heads say
 */
export function exchange(
  url: string,
  bytes: string | Buffer,
  enough = 1,
  isHead = false,
): Promise<RawResult> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = Buffer.alloc(0)
    const deadline = setTimeout(() => finish(false), DEADLINE_MS)
    const finish = (closed: boolean): void => {
      clearTimeout(deadline)
      socket.destroy()
      const text = received.toString('latin1')
      resolve({ replies: parseReplies(text, isHead), closed, text })
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const replies = parseReplies(received.toString('latin1'), isHead)
      const last = replies.at(-1)
      if (replies.length >= enough && last?.headers.get('connection') !== 'close') finish(false)
    })
    socket.on('end', () => finish(true))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish(true)
      else reject(error)
    })
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
}

/** Complete replies with a `Content-Length`, or chunked, or without body by their status. */
export function parseReplies(text: string, isHead = false): RawReply[] {
  const replies: RawReply[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return replies
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const [, status, reason] = /^HTTP\/1\.1 ([0-9]{3}) ?(.*)$/.exec(statusLine) ?? []
    if (status === undefined) return replies
    const headers = headersOf(lines)
    rest = rest.slice(end + 4)
    const body = isHead ? NO_BODY : takeBody(Number(status), headers, rest)
    if (body === null) return replies
    rest = rest.slice(body.consumed)
    if (Number(status) >= 200) {
      replies.push({
        status: Number(status),
        reason: reason ?? '',
        headers,
        lines,
        body: body.text,
      })
    }
  }
}

function headersOf(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}

interface Body {
  readonly text: string
  /** Characters of framing and text together. */
  readonly consumed: number
}

const NO_BODY: Body = { text: '', consumed: 0 }

function takeBody(status: number, headers: ReadonlyMap<string, string>, rest: string): Body | null {
  if (status < 200 || status === 204 || status === 304) return NO_BODY
  if (headers.get('transfer-encoding') === 'chunked') return takeChunks(rest)
  const length = Number(headers.get('content-length') ?? 0)
  return rest.length < length ? null : { text: rest.slice(0, length), consumed: length }
}

/** Null as long as the last chunk is not there. Trailers are passed over. */
export function takeChunks(rest: string): Body | null {
  let text = ''
  let at = 0
  for (;;) {
    const line = rest.indexOf('\r\n', at)
    if (line === -1) return null
    const size = Number.parseInt(rest.slice(at, line), 16)
    if (size === 0) {
      const end = rest.indexOf('\r\n\r\n', line)
      return end === -1 ? null : { text, consumed: end + 4 }
    }
    at = line + 2 + size + 2
    if (rest.length < at) return null
    text += rest.slice(line + 2, line + 2 + size)
  }
}

/** One side of a connection, piece by piece. */
export interface RawConnection {
  readonly socket: Socket
  /** All that was received so far, as latin1. */
  readonly text: string
  write(bytes: string): void
  /** Resolves as soon as `holds` is true of all that was received; rejects if it can't become true. */
  until(holds: (text: string) => boolean): Promise<string>
  /** Resolves when the other side has ended or reset the connection, with all that was received. */
  readonly ended: Promise<string>
}

/** A connection to `url`, destroyed when the test ends. */
export function openConnection(t: Test, url: string): RawConnection {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  t.teardown(() => socket.destroy())
  return follow(socket)
}

function follow(socket: Socket): RawConnection {
  const chunks: string[] = []
  let joined = ''
  const text = (): string => {
    joined += chunks.splice(0).join('')
    return joined
  }
  const waiting = new Set<() => void>()
  let isOver = false
  const wake = (): void => {
    for (const look of waiting) look()
  }
  const ended = new Promise<string>((resolve) => {
    const over = (): void => {
      isOver = true
      wake()
      resolve(text())
    }
    socket.on('end', over)
    socket.on('close', over)
  })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    chunks.push(chunk.toString('latin1'))
    wake()
  })
  const until = (holds: (text: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        waiting.delete(look)
        clearTimeout(deadline)
        done()
      }
      const look = (): void => {
        if (holds(text())) settle(() => resolve(text()))
        else if (isOver) settle(() => reject(new Error(`ended too early: ${text().slice(-200)}`)))
      }
      const deadline = setTimeout(
        () => settle(() => reject(new Error(`never came: ${text().slice(-200)}`))),
        DEADLINE_MS,
      )
      waiting.add(look)
      look()
    })
  return {
    socket,
    get text() {
      return text()
    },
    write: (bytes) => void socket.write(Buffer.from(bytes, 'latin1')),
    until,
    ended,
  }
}

export interface RawUpstream {
  readonly url: string
  /** In the order in which they were opened. */
  readonly connections: readonly RawConnection[]
}

/**
 * A server on a free port that answers with bytes. `serve` is called once for each connection.
 *
 * @param tls PEM; left out: plain TCP
 */
export async function startRawUpstream(
  t: Test,
  serve: (connection: RawConnection, nth: number) => void | Promise<void>,
  tls?: { readonly key: Buffer; readonly cert: Buffer },
): Promise<RawUpstream> {
  const connections: RawConnection[] = []
  const accept = (socket: Socket): void => {
    const connection = follow(socket)
    connections.push(connection)
    // A wait that ends with the connection is no failure: the test looks at what the client got.
    Promise.resolve(serve(connection, connections.length)).catch(() => {})
  }
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept)
  await listen(t, server, () => {
    for (const { socket } of connections) socket.destroy()
  })
  const url = urlOf(server)
  return { url: tls === undefined ? url : url.replace('http:', 'https:'), connections }
}

export interface Wiretap {
  readonly url: string
  /** All bytes towards the upstream so far, of all connections in the order they came, as latin1. */
  readonly text: string
}

/** Stands in front of an upstream, and sees what is sent to it, incomplete requests too. */
export async function startWiretap(t: Test, upstreamUrl: string): Promise<Wiretap> {
  const { hostname, port } = new URL(upstreamUrl)
  const sockets = new Set<Socket>()
  let seen = ''
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => {})
      from.on('close', () => to.destroy())
      from.pipe(to)
    }
    near.on('data', (chunk) => {
      seen += chunk.toString('latin1')
    })
  })
  await listen(t, server, () => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    url: urlOf(server),
    get text() {
      return seen
    },
  }
}

/** Refused requests as the passing of time: each is a full round trip through the same process. */
export async function roundTrips(url: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await exchange(url, 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n')
}

async function listen(
  t: Test,
  server: ReturnType<typeof createServer>,
  cut: () => void,
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    cut()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

function urlOf(server: ReturnType<typeof createServer>): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

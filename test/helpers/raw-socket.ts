import { connect } from 'node:net'

export interface RawReply {
  readonly status: number
  readonly reason: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface RawResult {
  readonly replies: readonly RawReply[]
  /** Whether the other side ended the connection by itself before the deadline. */
  readonly closed: boolean
  readonly text: string
}

/**
 * Writes bytes as they are and reads until the other side closes, or until `enough` replies are complete.
 *
 * @param bytes latin1 text: one character, one byte
 */
export function exchange(url: string, bytes: string | Buffer, enough = 1): Promise<RawResult> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = Buffer.alloc(0)
    const deadline = setTimeout(() => finish(false), 10_000)
    const finish = (closed: boolean): void => {
      clearTimeout(deadline)
      socket.destroy()
      const text = received.toString('latin1')
      resolve({ replies: parseReplies(text), closed, text })
    }
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const replies = parseReplies(received.toString('latin1'))
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
export function parseReplies(text: string): RawReply[] {
  const replies: RawReply[] = []
  let rest = text
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return replies
    const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
    const [, status, reason] = /^HTTP\/1\.1 ([0-9]{3}) ?(.*)$/.exec(statusLine) ?? []
    if (status === undefined) return replies
    const headers = new Map<string, string>()
    for (const line of lines) {
      const colon = line.indexOf(':')
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
    }
    rest = rest.slice(end + 4)
    const body = takeBody(Number(status), headers, rest)
    if (body === null) return replies
    rest = rest.slice(body.consumed)
    if (Number(status) >= 200) {
      replies.push({ status: Number(status), reason: reason ?? '', headers, body: body.text })
    }
  }
}

function takeBody(
  status: number,
  headers: ReadonlyMap<string, string>,
  rest: string,
): { readonly text: string; readonly consumed: number } | null {
  if (status < 200 || status === 204 || status === 304) return { text: '', consumed: 0 }
  if (headers.get('transfer-encoding') === 'chunked') {
    const end = rest.indexOf('0\r\n\r\n')
    return end === -1 ? null : { text: rest.slice(0, end), consumed: end + 5 }
  }
  const length = Number(headers.get('content-length') ?? 0)
  return rest.length < length ? null : { text: rest.slice(0, length), consumed: length }
}

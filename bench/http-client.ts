/** The plain client of the checks; never used for a timed request. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { request as requestByTls } from 'node:https'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

export type Headers = Readonly<Record<string, string>>

export type Question = {
  readonly method: string
  readonly path: string
  readonly headers: Headers
}

export type Answer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly wireBytes: number
  /** After content decoding. */
  readonly body: Buffer
}

function decoded(bytes: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(bytes)
  if (encoding === 'br') return brotliDecompressSync(bytes)
  if (encoding === 'deflate') return inflateSync(bytes)
  return bytes
}

/** @param tls the certificate is the test's own, and not looked at */
export function ask(port: number, question: Question, tls = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method, path, headers } = question
    const to = { host: '127.0.0.1', port, method, path, headers: { ...headers }, timeout: 5000 }
    const outgoing = (tls ? requestByTls : request)(
      { ...to, rejectUnauthorized: false },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const bytes = Buffer.concat(chunks)
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            wireBytes: bytes.length,
            body: decoded(bytes, incoming.headers['content-encoding']),
          })
        })
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 5 seconds')))
    outgoing.on('error', reject)
    outgoing.end()
  })
}

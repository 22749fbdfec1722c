/** Upstreams that fail, each in one way. */
import dns from 'node:dns'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { UpstreamCause } from '../../src/cache/ports.ts'
import { startBlackHole } from './black-hole.ts'
import { startRawUpstream } from './raw-socket.ts'
import { startUpstream } from './upstream.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))

async function portOf(t: Test, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function startTls(t: Test, certificate: string): Promise<string> {
  const cert = readFileSync(file(certificate))
  const server = createHttps({ key: readFileSync(file('server.key')), cert }, (_req, res) =>
    res.end('{}'),
  )
  server.on('tlsClientError', () => {})
  t.teardown(() => server.closeAllConnections())
  return `https://127.0.0.1:${await portOf(t, server)}`
}

/** Answers each request with `text`, and ends the connection where it has to. */
export async function startAnswering(t: Test, text: string, ends: boolean): Promise<string> {
  const { url } = await startRawUpstream(t, ({ socket }) => {
    socket.on('data', (piece: Buffer) => {
      if (!piece.includes('\r\n\r\n')) return
      socket.write(text)
      if (ends) socket.end()
    })
  })
  return url
}

type Done = (error: Error | null, ...found: never[]) => void
type Lookup = (name: string, options: object, done: Done) => void

function failLookups(t: Test): void {
  const original = dns.lookup
  const fails: Lookup = (name, options, done) => {
    if (!name.endsWith('.invalid')) return (original as Lookup)(name, options, done)
    const error = Object.assign(new Error(`getaddrinfo ${name}`), { code: 'ENOTFOUND' })
    process.nextTick(done, error)
  }
  dns.lookup = fails as typeof dns.lookup
  t.teardown(() => {
    dns.lookup = original
  })
}

const SHORT = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id": '

/** A way to fail. */
export interface Failing {
  readonly cause: UpstreamCause
  /** Whether a byte of the request leaves. */
  readonly isSent: boolean
  /** @returns the base URL */
  readonly start: (t: Test) => Promise<string>
  readonly code: string | undefined
  readonly upstream?: Record<string, unknown>
  readonly reason?: string
}

/** By name. */
export const FAILING_UPSTREAMS: Readonly<Record<string, Failing>> = {
  'a port on which nothing listens': {
    cause: 'refused',
    isSent: false,
    start: async (t) => {
      const upstream = await startUpstream(t)
      await upstream.close()
      return upstream.url
    },
    code: 'ECONNREFUSED',
  },
  'a name without an address': {
    cause: 'dns',
    isSent: false,
    start: async (t) => {
      failLookups(t)
      return 'http://api.layby.invalid:8000'
    },
    code: 'ENOTFOUND',
  },
  'a certificate that has expired': {
    cause: 'tls',
    isSent: false,
    start: (t) => startTls(t, 'expired.pem'),
    upstream: { ca: file('ca.pem') },
    code: 'CERT_HAS_EXPIRED',
    reason: 'certificate has expired',
  },
  'a certificate for another name': {
    cause: 'tls',
    isSent: false,
    start: (t) => startTls(t, 'elsewhere.pem'),
    upstream: { ca: file('ca.pem') },
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    reason: 'the certificate is for another name',
  },
  'plain HTTP where TLS is expected': {
    cause: 'tls',
    isSent: false,
    start: async (t) => (await startUpstream(t)).url.replace('http:', 'https:'),
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    reason: 'wrong version number',
  },
  'a connection that ends within the handshake': {
    cause: 'tls',
    isSent: false,
    start: async (t) => {
      const server = createServer((socket) => socket.once('data', () => socket.destroy()))
      return `https://127.0.0.1:${await portOf(t, server)}`
    },
    code: 'ECONNRESET',
    reason: 'the connection ended within the handshake',
  },
  'a connection that ends before the answer': {
    cause: 'reset',
    isSent: true,
    start: (t) => startAnswering(t, '', true),
    code: 'UND_ERR_SOCKET',
  },
  'a connection that ends within the answer': {
    cause: 'truncated',
    isSent: true,
    start: (t) => startAnswering(t, SHORT, true),
    code: 'UND_ERR_SOCKET',
  },
  'an answer that is no HTTP': {
    cause: 'bad-http',
    isSent: true,
    start: (t) => startAnswering(t, 'no\r\n\r\n', false),
    code: undefined,
    reason: 'Expected HTTP/, RTSP/ or ICE/',
  },
  'an answer to what was not asked': {
    cause: 'bad-http',
    isSent: true,
    start: (t) => startAnswering(t, 'HTTP/1.1 206 Partial\r\ncontent-length: 0\r\n\r\n', false),
    code: undefined,
  },
  'an answer that does not begin': {
    cause: 'headers-timeout',
    isSent: true,
    start: (t) => startAnswering(t, '', false),
    upstream: { headersTimeoutMs: 200 },
    code: 'UND_ERR_HEADERS_TIMEOUT',
  },
  'an answer that does not go on': {
    cause: 'body-timeout',
    isSent: true,
    start: (t) => startAnswering(t, SHORT, false),
    upstream: { bodyTimeoutMs: 200 },
    code: 'UND_ERR_BODY_TIMEOUT',
  },
  'an address that answers nothing': {
    cause: 'connect-timeout',
    isSent: false,
    start: async (t) => (await startBlackHole(t)).url,
    upstream: { connectTimeoutMs: 200 },
    code: 'UND_ERR_CONNECT_TIMEOUT',
  },
}

/**
 * Whether a byte of a request may have reached the API: said right before the first one leaves, so that what failed
 * before that is known to have changed nothing.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/lib/clock.ts'
import { UpstreamClient } from '../../src/upstream/client.ts'
import { startBlackHole } from '../helpers/black-hole.ts'
import { freePort } from '../helpers/free-port.ts'

interface Place {
  readonly url: string
  /** All that it was sent, decrypted. */
  readonly received: () => string
}

const ca = readFileSync(file('ca.pem'), 'utf8')

function file(name: string): string {
  return fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))
}

/** @param serve is given each connection, and what has come on it so far whenever more has */
async function startServer(
  t: Test,
  serve: (socket: Socket, text: string) => void,
  certificate: string | null = null,
): Promise<Place> {
  let all = ''
  const sockets = new Set<Socket>()
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => {})
    socket.on('data', (piece) => {
      const more = piece.toString('latin1')
      all += more
      text += more
      serve(socket, text)
    })
    serve(socket, '')
  }
  const server =
    certificate === null
      ? createServer(accept)
      : createTlsServer(
          { cert: readFileSync(file(certificate)), key: readFileSync(file('server.key')) },
          accept,
        )
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const scheme = certificate === null ? 'http' : 'https'
  return { url: `${scheme}://127.0.0.1:${port}`, received: () => all }
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const END_OF_HEAD = '\r\n\r\n'

function nowhere(url: string): Place {
  return { url, received: () => '' }
}

interface Case {
  readonly start: (t: Test) => Promise<Place>
  /** Null: it depends on which side is faster. */
  readonly isSent: boolean | null
  /** Requests that are answered before. */
  readonly before?: number
}

const CASES: Record<string, Case> = {
  'a port on which nobody listens': {
    start: async () => nowhere(`http://127.0.0.1:${await freePort()}`),
    isSent: false,
  },
  'a name that leads nowhere': {
    start: async () => nowhere('http://nowhere.invalid'),
    isSent: false,
  },
  'connections that are not taken': {
    start: async (t) => nowhere((await startBlackHole(t)).url),
    isSent: false,
  },
  'a certificate of another name': {
    start: (t) => startServer(t, () => {}, 'elsewhere.pem'),
    isSent: false,
  },
  'a certificate that has run out': {
    start: (t) => startServer(t, () => {}, 'expired.pem'),
    isSent: false,
  },
  'no TLS where there should be': {
    start: async (t) => {
      const { url } = await startServer(t, (socket, text) => text !== '' && socket.write('no\r\n'))
      return nowhere(url.replace('http:', 'https:'))
    },
    isSent: false,
  },
  'an end within the handshake': {
    start: async (t) => {
      const { url } = await startServer(t, (socket, text) => text !== '' && socket.destroy())
      return nowhere(url.replace('http:', 'https:'))
    },
    isSent: false,
  },
  'no answer to the handshake': {
    start: async (t) => nowhere((await startServer(t, () => {})).url.replace('http:', 'https:')),
    isSent: false,
  },
  'a connection that is reset at once': {
    start: (t) => startServer(t, (socket) => void socket.resetAndDestroy()),
    isSent: null,
  },
  'a connection that is ended at once': {
    start: (t) => startServer(t, (socket) => void socket.end()),
    isSent: null,
  },
  'a reset after the first bytes': {
    start: (t) => startServer(t, (socket, text) => text !== '' && void socket.resetAndDestroy()),
    isSent: true,
  },
  'an end after the first bytes over TLS': {
    start: (t) => startServer(t, (socket, text) => text !== '' && socket.destroy(), 'server.pem'),
    isSent: true,
  },
  'a reset of a connection that has served': {
    before: 1,
    start: (t) =>
      startServer(t, (socket, text) => {
        if (text.split(END_OF_HEAD).length === 2) socket.write(OK)
        else if (text !== '') socket.resetAndDestroy()
      }),
    isSent: true,
  },
  'no answer': { start: (t) => startServer(t, () => {}), isSent: true },
  'no answer over TLS': { start: (t) => startServer(t, () => {}, 'server.pem'), isSent: true },
  'an answer that is none': {
    start: (t) => startServer(t, (socket, text) => text !== '' && socket.write('no\r\n\r\n')),
    isSent: true,
  },
}

/** One connection: what was used before is used again. */
function startClient(t: Test, url: string): UpstreamClient {
  const client = new UpstreamClient({
    forwarded: 'off',
    publicUrl: null,
    uploadPauseMs: 15_000,
    url,
    connections: 1,
    ca: url.startsWith('https:') ? ca : null,
    clock: systemClock,
    maxBodyBytes: 1_000,
    connectTimeoutMs: 600,
    headersTimeoutMs: 600,
    bodyTimeoutMs: 600,
    streamTimeoutMs: 30_000,
    faulted: () => t.fail('no fault of our own'),
    failed: () => {},
    connectionLifeMs: 0,
    addressCheckMs: 0,
    random: () => 0,
  })
  t.teardown(() => client.close())
  return client
}

const BODIES: Record<string, () => Buffer | Readable | null> = {
  'no content': () => null,
  'held content': () => Buffer.from('{"name": "x"}'),
  'content as it comes': () => Readable.from([Buffer.from('{"name"'), Buffer.from(': "x"}')]),
}

const TERMS = { maxWholeBytes: 100, waitsForUnannounced: true, totalMs: 2_000 }

/** @returns how often it was said, and what it failed with; null: it did not */
async function send(client: UpstreamClient, body: Buffer | Readable | null) {
  let said = 0
  const onFault = (): void => void t.fail('no fault of our own')
  const question = { method: 'PATCH', path: '/customers/1', headers: [], body, onFault }
  const error = await client
    .relay({ ...question, onSend: () => said++ }, TERMS, 'an-id')
    .received.then(() => null)
    .catch((reason: Error) => reason)
  return { said, error }
}

for (const [name, { start, isSent, before = 0 }] of Object.entries(CASES)) {
  for (const [how, body] of Object.entries(BODIES)) {
    t.test(`${name}, ${how}`, async (t) => {
      const { url, received } = await start(t)
      const client = startClient(t, url)
      for (let i = 0; i < before; i++) t.equal((await send(client, null)).error, null)
      const already = received().length
      const { said, error } = await send(client, body())
      t.ok(error !== null, 'no answer came')
      if (isSent !== null) t.equal(said, isSent ? 1 : 0, String(error))
      else t.ok(said <= 1)
      if (said === 0) t.equal(received().length, already, 'not a byte has arrived')
    })
  }
}

t.test('what waits in vain for a connection was not sent', async (t) => {
  const { url, received } = await startServer(t, (socket, text) => {
    // Bit by bit, so that the first keeps its connection.
    if (text !== '') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n')
    const drip = setInterval(() => socket.write('x'), 100)
    socket.once('close', () => clearInterval(drip))
  })
  const client = startClient(t, url)
  const first = send(client, null)
  const second = await send(client, Buffer.from('{"other": 1}'))
  t.equal(second.said, 0)
  t.ok(second.error !== null)
  t.notMatch(received(), /other/)
  t.equal((await first).said, 1)
})

/** Content that comes slowly and steadily arrives; content that stops coming ends its request. Real time: pauses are short. */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { openConnection } from '../helpers/raw-socket.ts'
import { startUpstream } from '../helpers/upstream.ts'

const PIECES = 10
const head = (line: string, framing: string): string =>
  [
    `${line} HTTP/1.1`,
    'Host: a',
    'Authorization: Bearer token-one.aaaa',
    'X-Tenant-Id: 7',
    'X-Api-Version: 2023/04/19',
    'Content-Type: application/json',
    framing,
    '\r\n',
  ].join('\r\n')
const LENGTH = `Content-Length: ${PIECES}`

t.test('content may take far longer than the longest pause within it', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, {
    server: { uploadPauseMs: 2_000 },
    upstream: { headersTimeoutMs: 500, totalTimeoutMs: 1_000 },
  })
  const uploads = ['POST /x', 'PATCH /customers/1', 'QUERY /x'].map(async (line) => {
    const connection = openConnection(t, app.url)
    connection.write(head(line, LENGTH))
    for (let i = 0; i < PIECES; i++) {
      await delay(400)
      connection.write('1')
    }
    await connection.until((text) => text.startsWith('HTTP/1.1 200 '))
  })
  await Promise.all(uploads)
  t.strictSame(
    upstream.requests.map(({ body }) => body),
    Array(3).fill('1'.repeat(PIECES)),
  )
})

t.test('content that stops coming is answered with 408, and changes nothing', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { uploadPauseMs: 300 } })
  // A request that ends without an answer leaves the version pin of its own token in doubt.
  const other = { headers: { authorization: 'Bearer token-two.bbbb' } }
  await app.get('/customers/1', other)
  for (const line of ['POST /x', 'PATCH /customers/1', 'QUERY /x']) {
    for (const [framing, begun] of [
      [LENGTH, '1'],
      [LENGTH, ''],
      ['Transfer-Encoding: chunked', '1\r\n1\r\n'],
    ] as const) {
      const connection = openConnection(t, app.url)
      connection.write(head(line, framing) + begun)
      t.match(await connection.ended, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/, line)
    }
  }
  t.match(await app.get('/customers/1', other), { headers: { 'cache-status': /hit/ } })
})

t.test('a client whose content waits for the API is not late', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { uploadPauseMs: 200 } })
  upstream.hold()
  const connection = openConnection(t, app.url)
  connection.write(`${head('POST /x', LENGTH)}${'1'.repeat(PIECES)}`)
  await delay(1_000)
  upstream.release()
  await connection.until((text) => text.startsWith('HTTP/1.1 200 '))
})

t.test('an answer made here does not wait for content that nobody reads', async (t) => {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  const connection = openConnection(t, app.url)
  connection.write(head('OPTIONS /x', `Max-Forwards: 0\r\n${LENGTH}`))
  t.match(await connection.ended, /^HTTP\/1\.1 204 [\s\S]*\r\nConnection: close\r\n/)
})

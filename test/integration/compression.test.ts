/** Compressed answers from store: negotiated, tagged, revalidated, and never for what does not shrink. */
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import t from 'tap'
import { buildTestApp, HEADERS } from '../helpers/app.ts'
import { exchange } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const BODY = `{"id": 1, "parent_id": null, "notes": "${'gate code on the left, '.repeat(80)}"}`

t.test('a body leaves in the coding that the client likes best', async (t) => {
  const upstream = await startUpstream(t, (received, res) => {
    const short = received.url.startsWith('/customers/2')
    sendJson(res, received, short ? '{"id": 2, "parent_id": null}' : BODY)
  })
  const app = await buildTestApp(t, upstream.url)
  const ask = async (acceptEncoding: string, more = '', path = '/customers/1') => {
    const head = `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${HEADERS.authorization}\r\n`
    const bytes = `${head}X-Tenant-Id: 7\r\nAccept-Encoding: ${acceptEncoding}\r\n${more}\r\n`
    const { replies } = await exchange(app.url, bytes)
    const [reply] = replies
    if (reply === undefined) throw new Error('no reply')
    return { reply, body: Buffer.from(reply.body, 'latin1') }
  }
  const plain = await ask('identity')
  t.equal(plain.reply.headers.get('content-encoding'), undefined)
  t.equal(plain.body.toString(), BODY)
  const tag = plain.reply.headers.get('etag') ?? ''
  for (const [wanted, coding, suffix, decode] of [
    ['gzip', 'gzip', '-gz"', gunzipSync],
    ['gzip, br', 'br', '-br"', brotliDecompressSync],
  ] as const) {
    const { reply, body } = await ask(wanted)
    t.equal(reply.headers.get('content-encoding'), coding)
    t.equal(reply.headers.get('content-length'), String(body.length))
    t.equal(decode(body).toString(), BODY)
    t.match(reply.headers.get('vary'), /Accept-Encoding/)
    t.match(reply.headers.get('cache-status'), /hit/)
    const own = reply.headers.get('etag')
    t.equal(own, tag.slice(0, -1) + suffix)
    const again = await ask(wanted, `If-None-Match: ${own}\r\n`)
    t.equal(again.reply.status, 304)
    t.equal(again.reply.headers.get('etag'), own)
    t.equal(again.reply.headers.get('content-encoding'), undefined)
    t.equal((await ask(wanted, `If-None-Match: ${tag}\r\n`)).reply.status, 200, 'another form')
  }
  const short = await ask('gzip', '', '/customers/2')
  t.equal(short.reply.headers.get('content-encoding'), undefined)
  t.equal(upstream.requests.length, 2)
  t.equal(upstream.requests[0]?.headers['accept-encoding'], 'identity')
})

/** A fault in the bytes of a pipelined request, while the answer to the one before is on its way. */
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { openConnection } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const HALF = 20_000
const HEAD = [
  'Host: a',
  'Authorization: Bearer token-one.aaaa',
  'X-Tenant-Id: 7',
  'X-Api-Version: 2023/04/19',
  'Content-Type: application/json',
].join('\r\n')
const FAULTS = {
  'a chunk that is none': `POST /x HTTP/1.1\r\n${HEAD}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'content that stops': `POST /x HTTP/1.1\r\n${HEAD}\r\nContent-Length: 10\r\n\r\n1`,
  'bytes that are no request': 'no request\r\n\r\n',
}

for (const [name, fault] of Object.entries(FAULTS)) {
  t.test(`${name} is answered behind the answer before it`, async (t) => {
    let finish = (): void => {}
    const upstream = await startUpstream(t, (received, res) => {
      if (received.url !== '/long') {
        sendJson(res, received, '{"id": 1, "parent_id": null}')
        return
      }
      res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 2 * HALF })
      res.write('a'.repeat(HALF))
      finish = () => res.end('a'.repeat(HALF))
    })
    const app = await buildTestApp(t, upstream.url, { server: { uploadPauseMs: 200 } })
    const connection = openConnection(t, app.url)
    connection.write(`GET /long HTTP/1.1\r\n${HEAD}\r\n\r\n`)
    await connection.until((text) => text.endsWith('a'.repeat(HALF)))
    connection.write(fault)
    // Longer than it takes to find the fault, the pause in the content included.
    const until = performance.now() + 1_000
    while (performance.now() < until) await app.get('/customers/1')
    finish()
    const text = await connection.ended
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    t.equal(body.slice(0, 2 * HALF), 'a'.repeat(2 * HALF), 'the body is whole')
    t.match(body.slice(2 * HALF), /^(?:HTTP\/1\.1 4(?:00|08) |$)/)
  })
}

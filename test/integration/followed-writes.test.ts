/** A write that was sent whole is followed to its outcome, whether or not its client still waits for it. */
import t, { type Test } from 'tap'
import { buildTestApp, HEADERS, type TestApp } from '../helpers/app.ts'
import { openConnection, type RawConnection, roundTrips } from '../helpers/raw-socket.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const JSON_TYPE = 'Content-Type: application/json'

function request(line: string, ...more: string[]): string {
  const own = Object.entries({ ...HEADERS, host: 'a' }).map((each) => each.join(': '))
  return [`${line} HTTP/1.1`, ...own, ...more, '', ''].join('\r\n')
}

const WRITES: Record<string, string> = {
  'with a length': `${request('PATCH /customers/1', JSON_TYPE, 'Content-Length: 2')}{}`,
  'in chunks': `${request('PATCH /customers/1', JSON_TYPE, 'Transfer-Encoding: chunked')}2\r\n{}\r\n0\r\n\r\n`,
  'without content': request('DELETE /customers/1/addresses/2'),
}

const LEAVES: Record<string, (client: RawConnection) => void> = {
  reset: ({ socket }) => void socket.resetAndDestroy(),
  end: ({ socket }) => void socket.end(),
}

async function isHit(app: TestApp): Promise<boolean> {
  return /; hit/.test(String((await app.get('/customers/1')).headers['cache-status']))
}

async function startWarm(t: Test, server: Record<string, unknown> = {}) {
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server })
  await app.get('/customers/1')
  t.ok(await isHit(app))
  return { upstream, app }
}

/** As long as the outcome is unknown, reads are not stored. */
async function untilStored(app: TestApp): Promise<void> {
  for (let i = 0; i < 200; i++) {
    await app.get('/customers/1')
    if (await isHit(app)) return
    await roundTrips(app.url, 1)
  }
}

for (const [how, bytes] of Object.entries(WRITES)) {
  for (const [leave, go] of Object.entries(LEAVES)) {
    t.test(
      `a write ${how} whose client leaves by ${leave} is settled when it is answered`,
      async (t) => {
        // Memory for one: what is not given back keeps the next from being held.
        const { upstream, app } = await startWarm(t, { maxHeldBytes: 2_048 })
        for (let i = 0; i < 3; i++) {
          const before = upstream.requests.length
          upstream.hold()
          const client = openConnection(t, app.url)
          client.write(bytes)
          await upstream.received(before + 1)
          go(client)
          // Who ends its side may still get its answer.
          await roundTrips(app.url, 3)
          upstream.release()
          await untilStored(app)
          t.ok(await isHit(app), 'its outcome is known')
          const writes = upstream.requests.slice(before).filter(({ method }) => method !== 'GET')
          t.equal(writes.length, 1, 'it was sent once')
        }
        t.notMatch(app.logged(), /internal error/)
      },
    )
  }
}

t.test('a long answer to a write whose client has left is not waited for', async (t) => {
  const { upstream, app } = await startWarm(t)
  upstream.answer((received, res) => {
    if (received.method === 'GET') sendJson(res, received, '{"id": 1, "parent_id": null}')
    else res.writeHead(200, { 'content-type': 'text/plain' }).write('x'.repeat(100_000))
  })
  upstream.hold()
  const client = openConnection(t, app.url)
  client.write(WRITES['with a length'] ?? '')
  await upstream.received(2)
  client.socket.resetAndDestroy()
  await roundTrips(app.url, 3)
  upstream.release()
  await untilStored(app)
  t.ok(await isHit(app))
})

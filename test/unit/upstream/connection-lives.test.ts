import dns from 'node:dns'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { buildConnector, Pool } from 'undici'
import { ConnectionLives } from '../../../src/upstream/connection-lives.ts'
import { NameWatch } from '../../../src/upstream/name-watch.ts'
import { startRawUpstream } from '../../helpers/raw-socket.ts'
import { until } from '../../helpers/until.ts'

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

/** Answers so many requests at a time. */
async function start(t: Test, lives: ConnectionLives, count: number) {
  const ended: number[] = []
  const asking: Socket[] = []
  const upstream = await startRawUpstream(t, ({ socket }, nth) => {
    socket.on('data', () => {
      asking.push(socket)
      if (asking.length === count) for (const each of asking.splice(0)) each.write(OK)
    })
    socket.once('close', () => ended.push(nth))
  })
  const pool = new Pool(upstream.url, {
    connect: buildConnector({}),
    connections: count,
    // What ends here does so for no other reason.
    keepAliveTimeout: 600_000,
    factory: lives.newClient,
  })
  t.teardown(() => pool.destroy())
  const ask = (): Promise<unknown> => pool.request({ path: '/', method: 'GET' })
  return { ended, ask, upstream }
}

t.test('connections that are made together do not end together', async (t) => {
  const randoms = [0, 0.99]
  const lives = new ConnectionLives({ lifeMs: 1_000, random: () => randoms.shift() ?? 0 })
  const { ended, ask } = await start(t, lives, 2)
  await Promise.all([ask(), ask()])
  await until(() => ended.length === 2, 'both ends')
  t.strictSame(ended, [2, 1], 'the second had a fifth less')
})

t.test('a connection whose address is missing twice in a row is closed', async (t) => {
  const lives = new ConnectionLives({ lifeMs: 0, random: () => 0 })
  const { ended, ask, upstream } = await start(t, lives, 1)
  await ask()
  const [there, gone] = [new Set(['127.0.0.1']), new Set(['10.0.0.7'])]
  for (const addresses of [gone, there, gone, there]) lives.resolved(addresses)
  await ask()
  t.equal(upstream.connections.length, 1)
  lives.resolved(gone)
  lives.resolved(gone)
  await until(() => ended.length === 1, 'its end')
  await until(() => lives.isEmpty, 'that it is forgotten')
})

t.test('addresses are not looked up, and a name is', async (t) => {
  const asked: string[] = []
  const original = dns.lookup
  dns.lookup = ((name: string) => void asked.push(name)) as unknown as typeof dns.lookup
  t.teardown(() => {
    dns.lookup = original
  })
  const lives = { isEmpty: false, resolved: () => {} }
  const hosts = ['127.0.0.1', '[::1]', 'api.layby.invalid']
  const watches = hosts.map((host) => new NameWatch(host, 5, lives))
  await until(() => asked.length > 0, 'a look-up')
  for (const watch of watches) watch.stop()
  t.strictSame(asked, ['api.layby.invalid'], 'one at a time')
})

import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import { EventStream } from '../../../src/ops/event-stream.ts'
import { until } from '../../helpers/instances.ts'

async function serve(t: Test, events: EventStream): Promise<{ server: Server; port: number }> {
  const server = createServer(({ headers }, response) => {
    if (events.makeRoom()) void events.join(response, {}, headers.authorization !== undefined)
    else response.writeHead(503).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    events.end()
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

interface Listener {
  readonly status: number | undefined
  readonly text: () => string
  readonly hasEnded: () => boolean
  readonly leave: () => void
}

async function listen(port: number, isOperator = false): Promise<Listener> {
  const headers = isOperator ? { authorization: 'x' } : {}
  const asked = request({ port, host: '127.0.0.1', headers }).end()
  const [response] = await once(asked, 'response')
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  response.on('error', () => {})
  return {
    status: response.statusCode,
    text: () => text,
    hasEnded: () => response.readableEnded,
    leave: () => asked.destroy(),
  }
}

t.test(
  'all listeners are told the same from one timer, which runs only while somebody listens',
  async (t) => {
    let made = 0
    const events = new EventStream(async () => String(++made))
    const { port } = await serve(t, events)
    t.equal(events.isRunning, false)
    const [one, two] = [await listen(port), await listen(port)]
    t.equal(events.isRunning, true)
    await until(() => one.text().includes('data: 3\n\n') && two.text().includes('data: 3\n\n'))
    t.match(one.text(), /^retry: 2000\n\ndata: 1\n\n/, 'told at once')
    one.leave()
    two.leave()
    await until(() => !events.isRunning)
  },
)

t.test('when there is nothing to tell, a heartbeat says that the connection lives', async (t) => {
  const events = new EventStream(() => Promise.reject(new Error('no file can be opened')))
  const { port } = await serve(t, events)
  const one = await listen(port)
  await until(() => one.text().split(': still here\n\n').length > 2)
  t.notMatch(one.text(), /data/)
})

t.test('a listener that does not read is dropped', async (t) => {
  const events = new EventStream(async () => 'x'.repeat(16_000_000))
  const { server, port } = await serve(t, events)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => void socket.destroy())
  const [accepted] = await Promise.all([
    once(server, 'connection'),
    new Promise((resolve) => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', resolve)),
  ])
  socket.pause()
  await once(accepted[0], 'close')
  t.equal(events.isRunning, false)
})

t.test('the oldest listener without the token gives way, and one with it never', async (t) => {
  const events = new EventStream(async () => '1')
  const { port } = await serve(t, events)
  const operator = await listen(port, true)
  const all: Listener[] = []
  for (let i = 0; i < 31; i++) all.push(await listen(port))
  t.notOk(all.some((one) => one.hasEnded()))
  t.equal((await listen(port, true)).status, 200)
  await until(() => all[0]?.hasEnded() === true)
  t.match(all[0]?.text(), /retry: 10000\n\n$/, 'it is to wait before it comes again')
  t.equal((await listen(port)).status, 200)
  await until(() => all[1]?.hasEnded() === true)
  t.notOk(operator.hasEnded() || all[2]?.hasEnded())
  for (let i = 0; i < 30; i++) t.equal((await listen(port, true)).status, 200)
  t.equal((await listen(port)).status, 503)
  t.equal((await listen(port, true)).status, 503)
  operator.leave()
  await until(() => events.makeRoom())
  t.equal((await listen(port)).status, 200, 'a place is free again')
})

t.test('none is taken after the end', async (t) => {
  const events = new EventStream(async () => '1')
  const { port } = await serve(t, events)
  await listen(port)
  events.end()
  t.equal(events.isRunning, false)
  t.equal(events.makeRoom(), false)
})

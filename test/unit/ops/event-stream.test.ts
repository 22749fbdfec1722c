import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t, { type Test } from 'tap'
import { EventStream } from '../../../src/ops/event-stream.ts'
import { until } from '../../helpers/instances.ts'

async function serve(t: Test, events: EventStream): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => void events.join(response, {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    events.end()
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

async function listen(port: number): Promise<{ text: () => string; leave: () => void }> {
  const asked = request({ port, host: '127.0.0.1' }).end()
  const [response] = await once(asked, 'response')
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  response.on('error', () => {})
  return { text: () => text, leave: () => asked.destroy() }
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

t.test('there is a bound on listeners, and none is taken after the end', async (t) => {
  const events = new EventStream(async () => '1')
  const { port } = await serve(t, events)
  const all = await Promise.all(Array.from({ length: 31 }, () => listen(port)))
  t.equal(events.isFull, false)
  all.push(await listen(port))
  t.equal(events.isFull, true)
  all[0]?.leave()
  await until(() => !events.isFull)
  events.end()
  t.equal(events.isRunning, false)
  t.equal(events.isFull, true)
})

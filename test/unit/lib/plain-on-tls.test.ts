import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { whenFirstByte } from '../../../src/lib/plain-on-tls.ts'

async function pair(t: Test): Promise<{ readonly client: Socket; readonly socket: Socket }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [socket] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  client.on('error', () => {})
  return { client, socket }
}

t.test('a letter is plain HTTP, anything else is for TLS, and nothing is lost', async (t) => {
  for (const [text, isPlain] of [
    ['GET / HTTP/1.1', true],
    ['get /', true],
    ['\x16\x03\x01', false],
    ['\x80\x2e\x01', false],
    ['@', false],
    ['[', false],
    ['{', false],
    ['1', false],
  ] as const) {
    const { client, socket } = await pair(t)
    const decided = new Promise((resolve) => whenFirstByte(socket, resolve))
    client.write(Buffer.from(text, 'latin1'))
    t.equal(await decided, isPlain, JSON.stringify(text))
    t.equal((socket.read() as Buffer).toString('latin1'), text)
  }
})

t.test('a connection on which nothing comes is closed', async (t) => {
  const { client, socket } = await pair(t)
  whenFirstByte(socket, () => t.fail('nothing came'), 50)
  await once(client, 'close')
  const ended = await pair(t)
  whenFirstByte(ended.socket, () => t.fail('nothing came'))
  ended.client.end()
  await once(ended.socket, 'close')
})

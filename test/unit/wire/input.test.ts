import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { listenTo, readsIntoOneBuffer } from '../../../src/wire/input.ts'
import { until } from '../../helpers/until.ts'

/** Both ends of a connection: the server's comes first, and nothing of it was read. */
async function pair(t: Test): Promise<readonly [accepted: Socket, client: Socket]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  // Listened to as it comes in, as the front end does: what is sent may be there a moment later.
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect(port, '127.0.0.1')
  const [socket] = await accepted
  t.teardown(() => {
    client.destroy()
    socket.destroy()
    server.close()
  })
  return [socket, client]
}

t.test('this Node reads into one buffer', async (t) => {
  t.equal(readsIntoOneBuffer, true, 'otherwise hits cost a sixth more')
})

t.test('what each connection sends comes from it alone, byte for byte', async (t) => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
  const pairs = await Promise.all(Array.from({ length: 20 }, () => pair(t)))
  const texts = pairs.map(() => '')
  for (const [i, [accepted, client]] of pairs.entries()) {
    listenTo(accepted, (text) => {
      texts[i] += text
    })
    for (let n = 0; n < 50; n++) client.write(`${i}/${n}:${all.repeat(n)};`, 'latin1')
  }
  const wanted = pairs.map((_, i) =>
    Array.from({ length: 50 }, (_, n) => `${i}/${n}:${all.repeat(n)};`).join(''),
  )
  await until(() => texts.every((text, i) => text.length >= (wanted[i] as string).length))
  t.ok(texts.every((text, i) => text === wanted[i]))
  t.equal(pairs[0]?.[0].listenerCount('data'), 0, 'no buffer was made for it')
})

t.test('a paused connection is not read, and what waits comes when it goes on', async (t) => {
  const [accepted, client] = await pair(t)
  let text = ''
  listenTo(accepted, (more) => {
    text += more
    accepted.pause()
  })
  client.write('one')
  await until(() => text === 'one')
  // The kernels take some megabytes; the client's stream says when they take no more.
  const isFull = !client.write('x'.repeat(64 * 2 ** 20))
  t.ok(isFull)
  t.equal(text, 'one')
  accepted.resume()
  await until(() => text.length > 3)
  t.ok(text.length <= 3 + 65_536, 'one read, and then it was paused again')
})

t.test('the end of what a client sends is an end', async (t) => {
  const [accepted, client] = await pair(t)
  let text = ''
  listenTo(accepted, (more) => {
    text += more
  })
  const ended = once(accepted, 'end')
  client.end('bye')
  await ended
  t.equal(text, 'bye')
})

t.test('after it was stopped the stream has the bytes, and its backpressure', async (t) => {
  const [accepted, client] = await pair(t)
  let text = ''
  const stop = listenTo(accepted, (more) => {
    text += more
  })
  client.write('mine;')
  await until(() => text === 'mine;')
  stop()
  const sent = Buffer.alloc(8 * 2 ** 20, 'abcdefg')
  client.end(sent)
  await until(() => accepted.readableLength >= accepted.readableHighWaterMark)
  t.ok(accepted.readableLength < 2 ** 20, 'it does not read on for nobody')
  const chunks: Buffer[] = []
  for await (const chunk of accepted) chunks.push(chunk as Buffer)
  t.ok(Buffer.concat(chunks).equals(sent))
  t.equal(text, 'mine;')
})

t.test('a socket that has no handle of Node’s own is listened to as any stream', async (t) => {
  const [one, other] = duplexPair()
  let text = ''
  const stop = listenTo(one as Socket, (more) => {
    text += more
  })
  other.write('é and more')
  await until(() => text !== '')
  t.equal(text, Buffer.from('é and more').toString('latin1'))
  stop()
  t.equal(one.listenerCount('data'), 0)
})

function duplexPair(): readonly [Duplex, Duplex] {
  const end = (peer: () => Duplex): Duplex =>
    new Duplex({
      read: () => {},
      write: (chunk, _encoding, done) => {
        peer().push(chunk)
        done()
      },
    })
  const one: Duplex = end(() => other)
  const other: Duplex = end(() => one)
  return [one, other]
}

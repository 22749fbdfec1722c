/** Who is closed for reading nothing, and who is not: by looks that are made by hand. */
import t, { type Test } from 'tap'
import { ReaderWatch } from '../../../src/http/reader-watch.ts'

/** Long enough that the watch's own timer does nothing in a test. */
const NEVER_MS = 2 ** 30
const LOOKS = 8

class Client {
  readonly localPort = 80
  readonly remotePort: number
  bytesWritten = 0
  writableLength = 0
  /** In the kernel, not acknowledged. */
  queued = 0
  closes = 0

  constructor(remotePort: number) {
    this.remotePort = remotePort
  }
}

function watching(t: Test, ...clients: Client[]) {
  let reads = 0
  const watch = new ReaderWatch(NEVER_MS, {
    readQueues: async () => {
      reads++
      return new Map(clients.map(({ remotePort, queued }) => [`80:${remotePort}`, queued]))
    },
    close: (client: Client) => void client.closes++,
  })
  t.teardown(() => watch.stop())
  for (const client of clients) watch.add(client)
  const look = async (times = 1): Promise<void> => {
    for (let n = 0; n < times; n++) await watch.look()
  }
  return { watch, look, reads: () => reads }
}

t.test('a client that takes nothing is closed after the timeout, not before', async (t) => {
  const client = new Client(1)
  const { look } = watching(t, client)
  await look(3)
  Object.assign(client, { bytesWritten: 1_000, writableLength: 400, queued: 600 })
  await look(1 + LOOKS)
  t.equal(client.closes, 0)
  await look()
  t.equal(client.closes, 1)
})

t.test('one that was handed everything is left alone, and the list is not read', async (t) => {
  const client = new Client(1)
  const { look, reads } = watching(t, client)
  Object.assign(client, { bytesWritten: 1_000, queued: 1_000 })
  await look(3 * LOOKS)
  t.equal(client.closes, 0)
  t.equal(reads(), 0)
})

for (const [name, progress] of Object.entries({
  'the kernel takes more': (client: Client) => {
    client.writableLength--
  },
  'the other side acknowledges more': (client: Client) => {
    client.queued--
  },
})) {
  t.test(`a slow reader stays as long as ${name}`, async (t) => {
    const client = new Client(1)
    const { look } = watching(t, client)
    Object.assign(client, { bytesWritten: 1_000, writableLength: 400, queued: 600 })
    for (let n = 0; n < 10; n++) {
      await look(LOOKS)
      progress(client)
    }
    t.equal(client.closes, 0)
    await look(2 + LOOKS)
    t.equal(client.closes, 1, 'and no longer')
  })
}

t.test('more that is written is no progress', async (t) => {
  const client = new Client(1)
  const { look } = watching(t, client)
  Object.assign(client, { bytesWritten: 1_000, writableLength: 400 })
  for (let n = 0; n < 2 + LOOKS; n++) {
    client.bytesWritten++
    client.writableLength++
    await look()
  }
  t.equal(client.closes, 1)
})

t.test('one that is closed meanwhile is not closed again', async (t) => {
  const [client, other] = [new Client(1), new Client(2)]
  const { watch, look } = watching(t, client, other)
  for (const one of [client, other]) Object.assign(one, { bytesWritten: 9, writableLength: 4 })
  await look(1 + LOOKS)
  const looking = look()
  watch.delete(client)
  await looking
  t.same([client.closes, other.closes], [0, 1])
})

import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { queueOf, readSendQueues } from '../../../src/lib/send-queues.ts'
import { until } from '../../helpers/until.ts'

const LIST = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F43 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F43 0100007F:C350 01 00000A2B:00000000 00:00000000 00000000     0        0 2 1 0
   2: 0100007F:1F43 0200007F:C350 01 00000001:0000FFFF 00:00000000 00000000     0        0 3 1 0
junk
`

t.test('queues are read by the ports of both sides', async (t) => {
  const file = join(t.testdir(), 'tcp')
  await writeFile(file, LIST)
  const queues = await readSendQueues([file, `${file}6`])
  t.equal(queueOf(queues, { localPort: 8003, remotePort: 50_000 }), 0xa2b + 1)
  t.equal(queueOf(queues, { localPort: 8003, remotePort: 50_001 }), 0)
  t.equal(queues.size, 2)
})

t.test('a system without such a list has no queues', async (t) => {
  t.equal((await readSendQueues([join(t.testdir(), 'none')])).size, 0)
})

for (const host of ['127.0.0.1', '::1']) {
  t.test(`what a client at ${host} has not read is found`, async (t) => {
    const server = createServer().listen(0, host)
    t.teardown(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const client = connect(port, host).pause()
    const [socket] = await accepted
    t.teardown(() => [client, socket].map((one) => one.destroy()))
    socket.write(Buffer.alloc(2 ** 24))
    const queue = async (): Promise<number> => queueOf(await readSendQueues(), socket)
    await until(async () => (await queue()) > 0)
    client.resume()
    await until(async () => (await queue()) === 0)
    t.pass()
  })
}

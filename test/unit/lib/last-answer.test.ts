import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import t from 'tap'
import { endWith } from '../../../src/lib/last-answer.ts'
import { until } from '../../helpers/until.ts'

t.test(
  'a connection ends with its last answer, though its client neither ends nor stops',
  async (t) => {
    const server = createServer({ allowHalfOpen: true })
    t.teardown(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.on('error', () => {})
    t.teardown(() => client.destroy())
    const [socket] = (await once(server, 'connection')) as [Socket]
    const drip = setInterval(() => client.write('x'), 20)
    t.teardown(() => clearInterval(drip))
    endWith(socket, 'the last')
    const [chunk] = (await once(client, 'data')) as [Buffer]
    t.equal(chunk.toString(), 'the last')
    await until(() => socket.closed)
  },
)

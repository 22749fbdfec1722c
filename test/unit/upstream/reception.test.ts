import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { Pool } from 'undici'
import { systemClock } from '../../../src/lib/clock.ts'
import type { AnswerPatience } from '../../../src/upstream/answer-deadlines.ts'
import type { Question, Received, ReceptionTerms, Sent } from '../../../src/upstream/call.ts'
import { send } from '../../../src/upstream/reception.ts'
import { type RawConnection, startRawUpstream } from '../../helpers/raw-socket.ts'

const QUESTION: Question = {
  method: 'GET',
  path: '/',
  headers: ['host', 'a'],
  body: null,
  onFault: (error) => t.fail('no fault of our own', { error }),
}
const WHOLE: ReceptionTerms = {
  maxWholeBytes: 10,
  waitsForUnannounced: true,
  totalMs: 30_000,
  isCloseProof: true,
}
const PATIENT: AnswerPatience = {
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  streamTimeoutMs: 30_000,
  clock: systemClock,
}
const PASSED_ON: ReceptionTerms = { ...WHOLE, waitsForUnannounced: false }

type Serve = (connection: RawConnection) => void | Promise<void>

function answering(...pieces: string[]): Serve {
  return async ({ until, write }) => {
    await until((text) => text.includes('\r\n\r\n'))
    for (const piece of pieces) write(piece)
  }
}

async function poolTo(t: Test, serve: Serve): Promise<Pool> {
  const { url } = await startRawUpstream(t, serve)
  const pool = new Pool(url, { connections: 1 })
  t.teardown(() => pool.destroy())
  return pool
}

const failure = ({ received }: Sent): Promise<unknown> =>
  received.then(
    () => null,
    (error) => error,
  )

async function textOf({ body }: Received): Promise<string> {
  if (Buffer.isBuffer(body)) return body.toString('latin1')
  let text = ''
  for await (const chunk of body) text += (chunk as Buffer).toString('latin1')
  return text
}

const OK = 'HTTP/1.1 200 OK\r\n'
const chunked = (...chunks: string[]): string =>
  `${OK}Transfer-Encoding: chunked\r\n\r\n${[...chunks, '']
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
    .join('')}`

t.test('a short body of known length is given whole, with the head as it came', async (t) => {
  const bytes = `HTTP/1.1 203 So \xe4\r\nContent-Length: 4\r\nX-A: \xe4\r\nx-a: 2\r\n\r\nbody`
  const pool = await poolTo(t, answering(bytes))
  const sent = send(pool, QUESTION, PASSED_ON, PATIENT)
  t.equal(sent.hasBegun, false)
  const { status, headers, body } = await sent.received
  t.equal(sent.hasBegun, true)
  t.equal(status, 203)
  t.strictSame(headers, ['Content-Length', '4', 'X-A', '\xe4', 'x-a', '2'])
  t.equal(body.toString(), 'body')
})

t.test('what is longer than may be whole is a stream of all of it', async (t) => {
  for (const [name, bytes] of Object.entries({
    announced: `${OK}Content-Length: 11\r\n\r\n01234567890`,
    'found out': chunked('01234', '56789', '0'),
  })) {
    const pool = await poolTo(t, answering(bytes))
    const received = await send(pool, QUESTION, WHOLE, PATIENT).received
    t.equal(Buffer.isBuffer(received.body), false, name)
    t.equal(await textOf(received), '01234567890', name)
  }
})

t.test('a body of unknown length is waited for only where that is wanted', async (t) => {
  const bytes = chunked('0123', '4567')
  const waited = await send(await poolTo(t, answering(bytes)), QUESTION, WHOLE, PATIENT).received
  t.equal(Buffer.isBuffer(waited.body), true)
  t.equal(await textOf(waited), '01234567')
  // The end never comes, and what is here is given all the same.
  const endless = answering(bytes.slice(0, bytes.lastIndexOf('0\r\n')))
  const { body } = await send(await poolTo(t, endless), QUESTION, PASSED_ON, PATIENT).received
  const [first] = (await once(body as Readable, 'data')) as [Buffer]
  t.match(first.toString(), /^0123/)
  ;(body as Readable).destroy()
})

t.test('an answer that has no body has none, whatever its length', async (t) => {
  const head = 'Content-Length: 1000\r\n\r\n'
  const pool = await poolTo(t, answering(OK + head))
  const { body } = await send(pool, { ...QUESTION, method: 'HEAD' }, PASSED_ON, PATIENT).received
  t.strictSame(body, Buffer.alloc(0))
  const unchanged = await poolTo(t, answering(`HTTP/1.1 304 Not Modified\r\n${head}`))
  t.strictSame((await send(unchanged, QUESTION, PASSED_ON, PATIENT).received).body, Buffer.alloc(0))
})

t.test('an interim answer is not the answer', async (t) => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
  const pool = await poolTo(t, answering(early, `${OK}Content-Length: 1\r\n\r\na`))
  const { status, headers } = await send(pool, QUESTION, PASSED_ON, PATIENT).received
  t.equal(status, 200)
  t.strictSame(headers, ['Content-Length', '1'])
})

t.test(
  'giving up a request that waits for a connection ends the wait, and sends nothing',
  async (t) => {
    const seen: string[] = []
    const pool = await poolTo(t, async ({ until, write }) => {
      seen.push(await until((text) => text.includes('\r\n\r\n')))
      write(`${OK}Content-Length: 1\r\n\r\na`)
      seen.push(await until((text) => text.split('\r\n\r\n').length > 2))
    })
    const first = send(pool, QUESTION, PASSED_ON, PATIENT)
    const second = send(pool, { ...QUESTION, path: '/given-up' }, PASSED_ON, PATIENT)
    second.abort(new Error('enough'))
    await t.rejects(second.received, { message: 'enough' })
    await first.received
    const third = send(pool, { ...QUESTION, path: '/third' }, PASSED_ON, PATIENT)
    third.received.catch(() => {})
    t.teardown(() => third.abort(new Error('the test is over')))
    await once(pool, 'disconnect').catch(() => {})
    t.notMatch(seen.join(), '/given-up')
  },
)

t.test('giving up a request on its way rejects with the reason', async (t) => {
  const sent = await new Promise<ReturnType<typeof send>>((resolve) => {
    void poolTo(t, async ({ until }) => {
      await until((text) => text.includes('\r\n\r\n'))
      resolve(begun)
    }).then((pool) => {
      begun = send(pool, QUESTION, PASSED_ON, PATIENT)
    })
    let begun: ReturnType<typeof send>
  })
  sent.abort(new Error('enough'))
  await t.rejects(sent.received, { message: 'enough' })
})

t.test('who destroys the stream ends the connection it comes from', async (t) => {
  let closed: Promise<unknown> = Promise.resolve()
  const pool = await poolTo(t, async ({ socket, until, write }) => {
    closed = once(socket, 'close')
    await until((text) => text.includes('\r\n\r\n'))
    write(`${OK}Content-Length: 1000\r\n\r\nbegun`)
  })
  const { body } = await send(pool, QUESTION, PASSED_ON, PATIENT).received
  ;(body as Readable).destroy()
  await closed
  t.pass('the connection has ended')
})

t.test('a connection that breaks fails the stream, heard or not', async (t) => {
  let breakOff = (): void => {}
  const pool = await poolTo(t, async ({ socket, until, write }) => {
    breakOff = () => socket.destroy()
    await until((text) => text.includes('\r\n\r\n'))
    write(`${OK}Content-Length: 1000\r\n\r\nbegun`)
  })
  const { body } = await send(pool, QUESTION, PASSED_ON, PATIENT).received
  const closed = once(body as Readable, 'close').catch(() => {})
  breakOff()
  await closed
  t.ok((body as Readable).errored)
})

t.test('content that can not be sent is given up', async (t) => {
  const pool = new Pool('http://127.0.0.1:1', { connections: 1 })
  t.teardown(() => pool.destroy())
  const body = new PassThrough()
  const sent = send(pool, { ...QUESTION, method: 'POST', body }, PASSED_ON, PATIENT)
  t.match(await failure(sent), { kind: 'unreachable', reason: { code: 'ECONNREFUSED' } })
  t.equal(body.destroyed, true)
})

t.test('the total goes on once all content is sent, or the answer has begun before', async (t) => {
  const short = { ...PASSED_ON, totalMs: 300 }
  const sent = Readable.from(['content'], { objectMode: false })
  const silent = await poolTo(t, () => {})
  const question = { ...QUESTION, method: 'POST' }
  const unanswered = send(silent, { ...question, body: sent }, short, PATIENT)
  t.match(await failure(unanswered), { kind: 'timeout', reason: { name: 'Overdue' } })

  const unsent = new PassThrough()
  unsent.write('begun')
  const early = await poolTo(t, answering(`${OK}Content-Length: 4\r\n\r\nbo`))
  const unfinished = send(early, { ...question, body: unsent }, short, PATIENT)
  t.match(await failure(unfinished), { kind: 'timeout', reason: { name: 'Overdue' } })
  t.equal(unsent.destroyed, true)
})

/** Fails as a slip in our own code would, once. */
function failingClock(): { patience: AnswerPatience; fail: () => void } {
  let isFailing = false
  const monotonic = (): number => {
    if (isFailing) {
      isFailing = false
      throw new TypeError('a fault of our own')
    }
    return systemClock.monotonic()
  }
  const clock = { wall: () => systemClock.wall(), monotonic }
  return {
    patience: { ...PATIENT, clock },
    fail: () => {
      isFailing = true
    },
  }
}

t.test('a fault of our own within a callback rejects as what it is', async (t) => {
  const pool = await poolTo(t, answering(`${OK}Content-Length: 4\r\n\r\nbody`))
  const { patience, fail } = failingClock()
  const sent = send(pool, { ...QUESTION, onSend: fail }, WHOLE, patience)
  t.match(await failure(sent), { name: 'TypeError' })
})

t.test(
  'a fault of our own within a body that is handed over ends it, and is told of',
  async (t) => {
    let more = (): void => {}
    const pool = await poolTo(t, async ({ until, write }) => {
      more = () => write('x'.repeat(100_000))
      await until((text) => text.includes('\r\n\r\n'))
      write(`${OK}Content-Length: 1000000\r\n\r\nbegun`)
    })
    const { patience, fail } = failingClock()
    const faults: unknown[] = []
    const question = { ...QUESTION, onFault: (error: unknown) => void faults.push(error) }
    const { body } = await send(pool, question, PASSED_ON, patience).received
    const stream = body as Readable
    const closed = new Promise((done) => stream.once('close', done))
    // Not read: so much is held back that to go on takes a look at the clock.
    more()
    while (stream.readableLength < 65_536) await new Promise((done) => setTimeout(done, 5))
    fail()
    stream.resume()
    await closed
    t.match(faults, [{ name: 'TypeError' }])
  },
)

t.test('a fault of our own as more of a body comes ends it, and is told of', async (t) => {
  let more = (): void => {}
  const pool = await poolTo(t, async ({ until, write }) => {
    more = () => write('x'.repeat(100_000))
    await until((text) => text.includes('\r\n\r\n'))
    write(`${OK}Content-Length: 1000000\r\n\r\nbegun`)
  })
  const { patience, fail } = failingClock()
  const faults: unknown[] = []
  const question = { ...QUESTION, onFault: (error: unknown) => void faults.push(error) }
  const { body } = await send(pool, question, PASSED_ON, patience).received
  const closed = new Promise((done) => (body as Readable).once('close', done))
  fail()
  more()
  await closed
  t.match(faults, [{ name: 'TypeError' }])
})

t.test('that nobody reads a body, or that it breaks off, is no fault of our own', async (t) => {
  for (const isUnread of [true, false]) {
    let breakOff = (): void => {}
    const pool = await poolTo(t, async ({ socket, until, write }) => {
      breakOff = () => socket.resetAndDestroy()
      await until((text) => text.includes('\r\n\r\n'))
      write(`${OK}Content-Length: 1000000\r\n\r\nbegun`)
    })
    const { body } = await send(pool, QUESTION, PASSED_ON, PATIENT).received
    const stream = body as Readable
    const closed = new Promise((done) => stream.once('close', done))
    if (isUnread) stream.destroy()
    else breakOff()
    await closed
  }
})

/** Content that is held until it is whole, and the memory for it. */
import { PassThrough, type Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Content, ContentBrokenOff, ContentTooLarge } from '../../../src/http/content.ts'
import { HeldMemory } from '../../../src/http/held-memory.ts'
import { GatheredBytes } from '../../../src/lib/gathered-bytes.ts'

const MAX = 10_000
const SENDER = { tenant: '7', isAccepted: true }

async function textOf(body: Buffer | Readable): Promise<string> {
  if (Buffer.isBuffer(body)) return body.toString()
  let text = ''
  for await (const piece of body) text += piece
  return text
}

t.test('bytes that are gathered take twice their number at most, however small the pieces', (t) => {
  const gathered = new GatheredBytes()
  let taken = 0
  for (let i = 0; i < 50_000; i++) {
    const piece = Buffer.from([i % 251])
    taken += gathered.growthFor(piece.length)
    gathered.add(piece)
  }
  t.equal(gathered.length, 50_000)
  t.ok(taken <= 100_000 + 1_024, `${taken} bytes`)
  const bytes = gathered.bytes()
  t.equal(bytes.length, 50_000)
  t.ok(bytes.every((byte, i) => byte === i % 251))
  t.equal(taken, bytes.buffer.byteLength, 'as many as were said to be needed')
  t.end()
})

t.test('content is held until it is whole, and its memory given back once', async (t) => {
  const memory = new HeldMemory(100_000)
  const source = new PassThrough()
  const content = new Content(source, MAX, true)
  const held = content.hold(memory, SENDER)
  source.write('{"name": ')
  await turn()
  t.ok(memory.bytes > 0)
  t.equal(content.text, null, 'not whole yet')
  source.end('"x"}')
  await held
  t.equal(content.text, '{"name": "x"}')
  const body = content.toSend()
  t.ok(Buffer.isBuffer(body))
  t.equal(await textOf(body), '{"name": "x"}')
  content.release()
  content.release()
  t.equal(memory.bytes, 0)
})

t.test('beyond the memory the rest stays in the source, and every byte is sent once', async (t) => {
  const whole = Array.from({ length: 900 }, (_, i) => `piece ${i};`).join('')
  for (const [maxHeld, isHeld] of [
    [0, false],
    [2_048, false],
    [4_096, false],
    [65_536, true],
  ] as const) {
    const memory = new HeldMemory(maxHeld)
    const source = new PassThrough()
    const content = new Content(source, MAX, true)
    const held = content.hold(memory, SENDER)
    for (let i = 0; i < 300; i++) source.write(`piece ${i};`)
    if (isHeld) for (let i = 300; i < 900; i++) source.write(`piece ${i};`)
    if (isHeld) source.end()
    await held
    t.ok(memory.bytes <= maxHeld)
    const body = content.toSend()
    t.equal(Buffer.isBuffer(body), isHeld, `${maxHeld} bytes`)
    if (!isHeld) for (let i = 300; i < 900; i++) source.write(`piece ${i};`)
    if (!isHeld) source.end()
    t.equal(await textOf(body), whole, `${maxHeld} bytes`)
    t.equal(content.text, whole)
    content.release()
    t.equal(memory.bytes, 0)
  }
})

t.test('half of the memory is kept for credentials that the API has accepted', (t) => {
  const memory = new HeldMemory(40)
  const stranger = { tenant: '7', isAccepted: false }
  const other = { tenant: '8', isAccepted: false }
  t.ok(memory.take(10, stranger))
  t.ok(memory.take(10, other))
  t.notOk(memory.take(1, { tenant: '9', isAccepted: false }))
  t.ok(memory.take(10, SENDER))
  t.ok(memory.take(10, { tenant: '9', isAccepted: true }))
  t.notOk(memory.take(1, { tenant: '9', isAccepted: true }))
  t.equal(memory.bytes, 40)
  memory.giveBack(10, SENDER)
  memory.giveBack(10, other)
  t.equal(memory.bytes, 20)
  t.notOk(memory.take(1, stranger))
  t.ok(memory.take(1, { tenant: '6', isAccepted: true }))
  t.end()
})

t.test('one tenant takes half of the memory, and strangers in it a half of that', (t) => {
  const memory = new HeldMemory(40)
  t.ok(memory.take(10, { tenant: '7', isAccepted: false }))
  t.notOk(memory.take(1, { tenant: '7', isAccepted: false }))
  t.ok(memory.take(10, SENDER))
  t.notOk(memory.take(1, SENDER))
  t.ok(memory.take(20, { tenant: '8', isAccepted: true }))
  memory.giveBack(10, SENDER)
  t.ok(memory.take(10, SENDER))
  t.end()
})

t.test(
  'content over the limit is refused, held or not, and what it took is given back',
  async (t) => {
    for (const maxHeld of [0, 4_096, 1_000_000]) {
      const memory = new HeldMemory(maxHeld)
      const source = new PassThrough()
      const content = new Content(source, MAX, true)
      const taking = content.hold(memory, SENDER).then(() => textOf(content.toSend()))
      source.write('x'.repeat(3_000))
      await turn()
      source.write('x'.repeat(MAX))
      await t.rejects(taking, new ContentTooLarge('content over the limit'), `${maxHeld} bytes`)
      content.release()
      t.equal(memory.bytes, 0)
    }
  },
)

t.test('a client that goes away within held content is told apart, whenever it goes', async (t) => {
  for (const when of ['before', 'within', 'without an error']) {
    const memory = new HeldMemory(100_000)
    const source = new PassThrough()
    source.on('error', () => {})
    const content = new Content(source, MAX, true)
    if (when === 'before') source.destroy(new Error('aborted'))
    const held = content.hold(memory, SENDER)
    source.write('{')
    if (when !== 'before') source.destroy(when === 'within' ? new Error('aborted') : undefined)
    await t.rejects(held, ContentBrokenOff, when)
    content.release()
    t.equal(memory.bytes, 0)
  }
})

t.test(
  'a client that goes away within content that is sent as it comes breaks that off',
  async (t) => {
    const source = new PassThrough()
    source.on('error', () => {})
    const content = new Content(source, MAX, true)
    source.write('{')
    await content.hold(new HeldMemory(0), SENDER)
    const sent = t.rejects(textOf(content.toSend()))
    await turn()
    source.destroy(new Error('aborted'))
    await sent
    t.equal(content.text, null)
  },
)

/** What is heard on the bus is an envelope, foreign, or unknown; nothing is thrown. */
import fc from 'fast-check'
import t from 'tap'
import { sealBytes } from '../../../src/cache/frame.ts'
import {
  type Envelope,
  MAX_MESSAGE_BYTES,
  openEnvelope,
  sealEnvelope,
} from '../../../src/stores/bus-envelope.ts'

const KEY = Buffer.alloc(32, 7)
const CHANNEL = 'layby:bus:0'
const OWN = { sender: 'x', number: 1, sealedAt: 5, names: 'n' } as const
const openText = (text: string) =>
  openEnvelope(sealBytes(Buffer.from(text), KEY, CHANNEL), [KEY], CHANNEL)

t.test('an envelope is opened as it was sealed, with any of the keys', (t) => {
  const envelope: Envelope = {
    ...OWN,
    pending: [1, 2],
    probe: { sentAt: 1.5, connection: 3 },
    message: { forget: ['a'], isAll: true, pins: [['p', null]], call: 'c' },
  }
  const sealed = sealEnvelope(envelope, KEY, CHANNEL)
  t.strictSame(openEnvelope(sealed, [Buffer.alloc(32, 1), KEY], CHANNEL), envelope)
  t.equal(openEnvelope(sealed, [Buffer.alloc(32, 1)], CHANNEL), 'foreign')
  t.equal(openEnvelope(sealed, [KEY], 'layby:bus:1'), 'foreign')
  t.end()
})

t.test('members that are not known are of a later version, and do no harm', (t) => {
  t.match(openText(JSON.stringify({ ...OWN, later: 1, message: { later: [] } })), OWN)
  t.end()
})

t.test('what is sealed and no envelope is unknown', (t) => {
  const messages: readonly unknown[] = [
    null,
    [],
    { forget: 'all' },
    { block: [null] },
    { unblock: [['a']] },
    { isAll: 1 },
    { resend: 1 },
    { superseded: {} },
    { pins: [['a']] },
    { pins: [['a', 1]] },
    { pins: [['a', 'b', 'c']] },
    { landed: [1] },
    { call: 1 },
    { present: [] },
  ]
  const envelopes: readonly unknown[] = [
    { ...OWN, sender: 5 },
    { ...OWN, number: '1' },
    { ...OWN, sealedAt: null },
    { ...OWN, names: undefined },
    { ...OWN, pending: [1] },
    { ...OWN, probe: { sentAt: 1 } },
    { ...OWN, probe: 1 },
    ...messages.map((message) => ({ ...OWN, message })),
  ]
  for (const envelope of [null, [], 'x', 1, {}, ...envelopes]) {
    t.equal(openText(JSON.stringify(envelope)), 'unknown', JSON.stringify(envelope))
  }
  for (const text of ['', '{', '\u0000', '1e999', '"\\ud800"']) t.equal(openText(text), 'unknown')
  t.end()
})

t.test('what is too long is not opened, and noise is foreign', (t) => {
  const long = { ...OWN, message: { landed: ['x'.repeat(MAX_MESSAGE_BYTES)] } }
  t.equal(openText(JSON.stringify(long)), 'foreign')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      if (openEnvelope(Buffer.from(noise), [KEY], CHANNEL) !== 'foreign') throw new Error('opened')
    }),
  )
  fc.assert(
    fc.property(fc.json(), (text) => {
      if (openText(text) !== 'unknown') throw new Error('taken')
    }),
  )
  t.end()
})

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { type Frame, isFramed, open, openBytes, seal, sealBytes } from '../../../src/cache/frame.ts'
import { ByteReader } from '../../../src/cache/frame-bytes.ts'

const KEY = Buffer.alloc(32, 7)
const NONCE = Buffer.from('000102030405060708090a0b', 'hex')
const PLACE = 'layby:{tenant}:g:name'
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

/** 2026-11-24 12:00 UTC. */
const SEALED_AT = 1_795_521_600_000

const FRAMES: Readonly<Record<string, Frame>> = {
  grant: {
    kind: 'grant',
    sealedAt: SEALED_AT,
    digest: 'dGhlIGRpZ2VzdA',
    version: '2023/04/19',
    witnessedAgeMs: 1_250,
    keptMs: 898_750,
    stamp: [
      ['1:t1:7', 'v1'],
      ['1:k5:xxxxx', 'v2'],
    ],
  },
  admission: { kind: 'admission', sealedAt: SEALED_AT, keptMs: 300_000, stamp: [] },
  representation: {
    kind: 'representation',
    sealedAt: SEALED_AT,
    digest: 'dGhlIGRpZ2VzdA',
    status: 200,
    reason: 'Très bien',
    headers: [
      ['content-type', 'application/json'],
      ['x-note', 'caf\u00e9 \ud83d\ude9a'],
    ],
    date: 'Tue, 24 Nov 2026 00:00:00 GMT',
    body: Buffer.from('{"name": "M\u00fcller"}'),
    etag: '"AAAAAAAAAAAAAAAAAAAAAA"',
    version: '2023/04/19',
    ageMs: 10,
    freshMs: 299_990,
    keptMs: 299_990,
    stamp: [['1:t1:7', 'v1']],
  },
}

function golden(kind: string, version = 2): string {
  const url = new URL(`../../../../test/wire/${kind}.v${version}.hex`, import.meta.url)
  return readFileSync(fileURLToPath(url), 'utf8').trim()
}

for (const [kind, frame] of Object.entries(FRAMES)) {
  t.test(`a ${kind} is sealed byte for byte as in its golden file, and opens`, (t) => {
    t.equal(seal(frame, KEY, PLACE, { nonce: NONCE }).toString('hex'), golden(kind))
    t.strictSame(open(Buffer.from(golden(kind), 'hex'), KEY, PLACE), frame)
    t.end()
  })

  t.test(`a ${kind} of version 1 is a miss: nothing says when it was sealed`, (t) => {
    const former = Buffer.from(golden(kind, 1), 'hex')
    t.equal(open(former, KEY, PLACE), null)
    t.equal(isFramed(former), false)
    t.equal(isFramed(Buffer.from(golden(kind), 'hex')), true)
    t.end()
  })

  t.test(`a ${kind} with options opens if none has to be known`, (t) => {
    const withOptions = (...ids: readonly number[]): Frame | null => {
      const options = ids.map((id) => ({ id, value: Buffer.from(`option ${id}`) }))
      return open(seal(frame, KEY, PLACE, { options }), KEY, PLACE)
    }
    t.strictSame(withOptions(), frame)
    t.strictSame(withOptions(0, 1, 127), frame)
    t.equal(withOptions(128), null)
    t.equal(withOptions(1, 255), null)
    t.equal(withOptions(2, 1), null, 'in no order')
    t.equal(withOptions(1, 1), null, 'twice')
    t.end()
  })

  t.test(`a ${kind} that is flipped, cut, longer, elsewhere or another's does not open`, (t) => {
    const sealed = seal(frame, KEY, PLACE)
    let opened = 0
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed)
      changed.writeUInt8((changed[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3)
      if (open(changed, KEY, PLACE) !== null) opened++
    }
    t.equal(opened, 0, 'no flipped bit passes')
    for (let length = 0; length < sealed.length; length++) {
      if (open(sealed.subarray(0, length), KEY, PLACE) !== null) opened++
    }
    t.equal(opened, 0, 'no shortened frame passes')
    t.equal(open(Buffer.concat([sealed, Buffer.alloc(1)]), KEY, PLACE), null)
    t.equal(open(sealed, KEY, `${PLACE}x`), null, 'under another Redis key')
    t.equal(open(sealed, Buffer.alloc(32, 8), PLACE), null, 'with another sealing key')
    t.not(open(sealed, KEY, PLACE), null)
    t.end()
  })
}

t.test('any frame survives sealing and opening', (t) => {
  t.comment(`seed ${seed}`)
  const stamp = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string()))
  const PLAIN = { noNullPrototype: true } as const
  const age = fc.nat({ max: 2 ** 40 })
  const frames = fc.oneof(
    fc.record(
      {
        kind: fc.constant('grant' as const),
        sealedAt: age,
        digest: fc.string(),
        version: fc.string(),
        witnessedAgeMs: age,
        keptMs: age,
        stamp,
      },
      PLAIN,
    ),
    fc.record(
      {
        kind: fc.constant('representation' as const),
        sealedAt: age,
        digest: fc.string(),
        status: fc.integer({ min: 100, max: 599 }),
        reason: fc.string({ unit: 'grapheme' }),
        headers: stamp,
        date: fc.option(fc.string()),
        body: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        etag: fc.string(),
        version: fc.string(),
        ageMs: age,
        freshMs: age,
        keptMs: age,
        stamp,
      },
      PLAIN,
    ),
  )
  fc.assert(
    fc.property(frames, (frame) => {
      t.strictSame(open(seal(frame, KEY, PLACE), KEY, PLACE), frame)
    }),
    { numRuns: 300, seed },
  )
  t.end()
})

t.test('noise never opens and never throws', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      if (open(Buffer.from(noise), KEY, PLACE) !== null) throw new Error('opened')
      const dressed = Buffer.concat([Buffer.from('LB\x02\x01'), Buffer.from(noise)])
      if (open(dressed, KEY, PLACE) !== null) throw new Error('opened')
      const reader = new ByteReader(Buffer.from(noise))
      reader.pairs()
      reader.bytes()
      reader.text()
    }),
    { numRuns: 2_000, seed },
  )
  t.end()
})

t.test('what claims to be longer than it is leaves the reader unspent', (t) => {
  for (const hex of [
    'ffffffff00',
    '7ff0000000000000',
    '7ff8000000000000',
    '43f0000000000000',
    '0000',
  ]) {
    const reader = new ByteReader(Buffer.from(hex, 'hex'))
    const asPairs = new ByteReader(Buffer.from(hex, 'hex'))
    reader.bytes()
    asPairs.pairs()
    t.equal(reader.isSpent, false, hex)
    if (hex !== '7ff8000000000000') t.equal(asPairs.isSpent, false, hex)
  }
  t.end()
})

t.test('a message of the bus is no record, and a record no message', (t) => {
  const message = sealBytes(Buffer.from('hello'), KEY, 'layby:bus')
  t.strictSame(openBytes(message, KEY, 'layby:bus'), Buffer.from('hello'))
  t.equal(openBytes(message, KEY, 'other:bus'), null)
  t.equal(open(message, KEY, 'layby:bus'), null)
  t.equal(openBytes(seal(FRAMES['grant'] as Frame, KEY, 'layby:bus'), KEY, 'layby:bus'), null)
  t.end()
})

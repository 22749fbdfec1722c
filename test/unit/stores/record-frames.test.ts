/** How long a frame is believed, whatever Redis and the clocks say. */
import t from 'tap'
import {
  admissionFrame,
  admissionOf,
  CLOCK_ERROR_MS,
  grantFrame,
  grantOf,
  leftOf,
  representationFrame,
  representationOf,
} from '../../../src/stores/record-frames.ts'

const WALL = Date.UTC(2026, 10, 24)
const HERE = { monotonic: 1_000_000, wall: WALL }
const THERE = 5_000
const STAMP = [['a', '1']] as const
const GRANT = { kind: 'grant', holder: 'h', digest: 'D', version: 'v', stamp: STAMP } as const

t.test('life is never longer after Redis than before, whatever the clocks say', (t) => {
  const here = HERE.monotonic
  const frame = grantFrame({ ...GRANT, witnessedAt: here - 100, expiresAt: here + 900 }, HERE)
  // Another instance, on another clock, reads it 300 ms later.
  const read = (leftMs: number) => grantOf(frame, { askedAt: THERE, wall: WALL + 300, leftMs })
  t.equal(read(600)?.expiresAt, THERE + 600)
  t.equal(read(600)?.witnessedAt, THERE - 400)
  t.equal(read(10_000_000)?.expiresAt, THERE + 900, 'not by what Redis claims')
  t.equal(read(-1)?.expiresAt, THERE, 'nor without an end')
  t.equal(read(Number.NaN)?.expiresAt, THERE, 'nor by what is no number')
  const shown = {
    kind: 'representation',
    digest: 'D',
    status: 200,
    reason: 'OK',
    headers: [],
    date: null,
    body: Buffer.from('{}'),
    etag: '"x"',
    version: 'v',
    generatedAt: here - 1_000,
    servedAt: 0,
    confirmedAt: 0,
    freshUntil: here + 4_000,
    staleUntil: here + 4_000,
    stamp: STAMP,
  } as const
  const seen = { askedAt: THERE, wall: WALL + 1_000, leftMs: 3_000 }
  const found = representationOf(representationFrame(shown, HERE), seen)
  t.equal(THERE - (found?.generatedAt ?? 0), 2_000, 'its age has grown')
  t.equal((found?.freshUntil ?? 0) - THERE, 3_000, 'and its freshness shrunk')
  t.equal((found?.staleUntil ?? 0) - THERE, 3_000)
  t.end()
})

t.test(
  'a frame that is put back lives for its lifetime and the error of clocks, and no longer',
  (t) => {
    const keptMs = 60_000
    const frame = { sealedAt: WALL, keptMs }
    const left = (passedMs: number, leftMs = keptMs) =>
      leftOf(frame, { askedAt: THERE, wall: WALL + passedMs, leftMs })
    t.equal(left(0), keptMs)
    t.equal(left(keptMs), keptMs, 'clocks may differ')
    t.equal(left(CLOCK_ERROR_MS), keptMs)
    t.equal(left(CLOCK_ERROR_MS + keptMs - 1), 1, 'its end comes nearer, whatever Redis says')
    t.equal(left(CLOCK_ERROR_MS + keptMs), null)
    t.equal(left(CLOCK_ERROR_MS + keptMs, 1), null)
    t.equal(left(-CLOCK_ERROR_MS), keptMs, 'a clock may be behind')
    t.equal(left(-CLOCK_ERROR_MS - 1), null, 'and not so far')
    for (const sealedAt of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      t.equal(leftOf({ sealedAt, keptMs }, { askedAt: 0, wall: WALL, leftMs: 1 }), null)
    }
    t.end()
  },
)

t.test('every kind of record is bounded so', (t) => {
  const admission = { kind: 'admission', holder: 'h', expiresAt: HERE.monotonic + 900, stamp: [] }
  const frame = admissionFrame({ ...admission, kind: 'admission' }, HERE)
  const late = { askedAt: THERE, wall: WALL + CLOCK_ERROR_MS + 900, leftMs: 900 }
  t.equal(admissionOf(frame, late), null)
  t.equal(admissionOf(frame, { ...late, wall: late.wall - 1 })?.expiresAt, THERE + 1)
  const { monotonic: now } = HERE
  const grant = grantFrame({ ...GRANT, witnessedAt: now, expiresAt: now + 900 }, HERE)
  t.equal(grantOf(grant, late), null)
  t.end()
})

import t from 'tap'
import {
  AWAITED_MS,
  entryText,
  listingOf,
  Roster,
  type RosterEntry,
  STALLED_MS,
} from '../../../src/stores/roster.ts'

const OWN = 'own'
const BEAT_MS = 400
const entry = (instance: string, count: number, hasPending = false): RosterEntry => ({
  instance,
  count,
  hasPending,
})

/** One instance that reads the roster with each beat. */
function stage() {
  const roster = new Roster()
  let now = 1_000
  let count = 0
  const read = (...others: RosterEntry[]) => {
    const own = entry(OWN, ++count)
    const before = count > 1 ? [entry(OWN, count - 1)] : []
    const verdict = roster.read({ epoch: 'e', entries: [...before, ...others] }, own, now)
    now += BEAT_MS
    return verdict
  }
  const wait = (milliseconds: number): void => {
    now += milliseconds
  }
  return { roster, read, wait }
}

t.test('alone, what lies there is believed at once', (t) => {
  const { read } = stage()
  t.strictSame(read(), { isAccounted: true, mustRaise: false, stale: [] })
  t.end()
})

t.test('an instance that counts with nothing pending is accounted for', (t) => {
  const { read } = stage()
  t.equal(read(entry('a', 7)).isAccounted, false)
  t.equal(read(entry('a', 7)).isAccounted, false, 'it may have ended')
  t.equal(read(entry('a', 8, true)).isAccounted, false, 'it has something pending')
  t.equal(read(entry('a', 9)).isAccounted, true)
  t.end()
})

t.test('an instance that has left is accounted for', (t) => {
  const { read } = stage()
  t.equal(read(entry('a', 7)).isAccounted, false)
  t.equal(read().isAccounted, true)
  t.end()
})

t.test('an instance that stands still from contact on makes all void, and is removed', (t) => {
  const { read, roster } = stage()
  read(entry('a', 7), entry('b', 1))
  for (let i = 2; i * BEAT_MS <= AWAITED_MS; i++) {
    t.equal(read(entry('a', 7), entry('b', i)).mustRaise, false)
  }
  read(entry('a', 7), entry('b', 90))
  t.strictSame(read(entry('a', 7), entry('b', 91)), {
    isAccounted: false,
    mustRaise: true,
    stale: [entry('a', 7)],
  })
  roster.raised()
  t.strictSame(read(entry('b', 92)), { isAccounted: true, mustRaise: false, stale: [] })
  t.end()
})

t.test('an instance that is there and has something pending is waited for', (t) => {
  const { read } = stage()
  for (let i = 0; i < 100; i++) {
    t.strictSame(read(entry('a', i, true)), { isAccounted: false, mustRaise: false, stale: [] })
  }
  t.end()
})

t.test('an instance that stops while contact goes on is removed, and nothing is void', (t) => {
  const { read } = stage()
  read(entry('a', 1))
  read(entry('a', 2))
  for (let i = 0; i * BEAT_MS < STALLED_MS - BEAT_MS; i++) {
    t.strictSame(read(entry('a', 2)), { isAccounted: true, mustRaise: false, stale: [] })
  }
  read(entry('a', 2))
  t.strictSame(read(entry('a', 2)), {
    isAccounted: true,
    mustRaise: false,
    stale: [entry('a', 2)],
  })
  t.end()
})

t.test('an instance that stops with something pending makes all void', (t) => {
  const { read } = stage()
  read(entry('a', 1))
  read(entry('a', 2))
  let verdict = read(entry('a', 3, true))
  for (let i = 0; i < 9; i++) verdict = read(entry('a', 3, true))
  t.equal(verdict.mustRaise, true)
  t.end()
})

t.test('after a gap in its own contact an instance does not vouch for the others’', (t) => {
  const { read, wait } = stage()
  read(entry('a', 1))
  t.equal(read(entry('a', 2)).isAccounted, true)
  wait(STALLED_MS)
  t.strictSame(read(entry('a', 2)).stale, [])
  t.end()
})

t.test('after a loss all are awaited again', (t) => {
  const { read, roster } = stage()
  read(entry('a', 1))
  t.equal(read(entry('a', 2)).isAccounted, true)
  roster.lost()
  t.equal(read(entry('a', 2)).isAccounted, false)
  t.equal(read(entry('a', 3)).isAccounted, true)
  t.end()
})

t.test('a Redis that was put back further than changes are repeated makes all void', (t) => {
  for (const [beats, isOld] of [
    [30, false],
    [60, true],
  ] as const) {
    const roster = new Roster()
    for (let i = 1; i <= beats; i++) {
      const entries = i > 1 ? [entry(OWN, i - 1)] : []
      roster.read({ epoch: 'e', entries }, entry(OWN, i), i * BEAT_MS)
    }
    roster.lost()
    const listing = { epoch: 'e', entries: [entry(OWN, 1)] }
    const verdict = roster.read(listing, entry(OWN, beats + 1), 1_000_000)
    t.equal(verdict.mustRaise, isOld, `${beats} beats`)
  }
  t.end()
})

t.test('entries are read as they were written, and what is none is left out', (t) => {
  const entries = [entry('a-_1', 12, true), entry('b', 0)]
  t.strictSame(listingOf(['e.xyz', ...entries.map(entryText), 'other', '']), {
    epoch: 'xyz',
    entries,
  })
  t.equal(listingOf(entries.map(entryText)), null)
  t.end()
})

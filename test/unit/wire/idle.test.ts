import t from 'tap'
import { IdleWatch, type Watched } from '../../../src/wire/idle.ts'

/** Long enough that the watch's own timer does nothing in a test: looks are made by hand. */
const NEVER_MS = 2 ** 30
const LOOKS = 16

class Connection implements Watched {
  idleSince: number | null
  ends = 0

  constructor(idleSince: number | null) {
    this.idleSince = idleSince
  }

  endWhenIdle(): void {
    this.ends++
  }
}

t.test('a connection is ended when it was idle for a whole timeout, and not before', async (t) => {
  const watch = new IdleWatch(NEVER_MS)
  t.teardown(() => watch.stop())
  watch.look()
  const connection = new Connection(watch.next)
  watch.add(connection)
  // The first look may come at once after it was busy, so it counts for nothing.
  for (let look = 0; look < LOOKS; look++) watch.look()
  t.equal(connection.ends, 0)
  watch.look()
  t.equal(connection.ends, 1)
})

t.test('what is busy stays, and what was busy meanwhile begins anew', async (t) => {
  const watch = new IdleWatch(NEVER_MS)
  t.teardown(() => watch.stop())
  const [busy, again, left] = [new Connection(null), new Connection(0), new Connection(0)]
  for (const one of [busy, again, left]) watch.add(one)
  for (let look = 0; look < LOOKS; look++) watch.look()
  again.idleSince = watch.next
  watch.delete(left)
  watch.look()
  t.strictSame([busy.ends, again.ends, left.ends], [0, 0, 0])
  for (let look = 0; look < LOOKS; look++) watch.look()
  t.strictSame([busy.ends, again.ends, left.ends], [0, 1, 0])
})

t.test('at the end all are asked to end, however short they were idle', async (t) => {
  const watch = new IdleWatch(NEVER_MS)
  t.teardown(() => watch.stop())
  const connection = new Connection(watch.next)
  watch.add(connection)
  watch.endAll()
  t.equal(connection.ends, 1)
})

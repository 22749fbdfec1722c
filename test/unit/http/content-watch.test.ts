/** Whose content is late, and whose is not: by looks that are made by hand. */
import t from 'tap'
import { type ContentLimits, ContentWatch, GRACE_MS } from '../../../src/http/content-watch.ts'

/** As the watch has it with these limits. */
const BETWEEN_MS = 500
const LIMITS: ContentLimits = { pauseMs: 15_000, bytesPerSecond: 1_000 }
const PAUSE_LOOKS = LIMITS.pauseMs / BETWEEN_MS
const GRACE_LOOKS = GRACE_MS / BETWEEN_MS

class Request {
  complete = false
  readableFlowing: boolean | null = true
  readonly socket = { bytesRead: 500 }
}

function watching(limits: ContentLimits = LIMITS) {
  const late: Request[] = []
  const watch = new ContentWatch<Request>(limits, (request) => void late.push(request))
  // Looks are made here alone.
  watch.stop()
  const request = new Request()
  watch.add(request)
  /** @param bytes that come between two looks */
  const look = (times: number, bytes = 0): void => {
    for (let n = 0; n < times; n++) {
      request.socket.bytesRead += bytes
      watch.look()
    }
  }
  return { watch, request, late, look }
}

t.test('content that does not come is late after the pause, once, and not before', async (t) => {
  const { late, look, request } = watching()
  look(1, 5_000_000)
  look(PAUSE_LOOKS)
  t.equal(late.length, 0)
  look(10)
  t.strictSame(late, [request])
})

t.test('content that comes fast enough is never late', async (t) => {
  const { late, look } = watching()
  look(100_000, 501)
  t.equal(late.length, 0)
})

t.test('content that comes byte by byte is late after its grace', async (t) => {
  const { late, look } = watching()
  look(GRACE_LOOKS, 1)
  t.equal(late.length, 0)
  look(2, 1)
  t.equal(late.length, 1)
})

t.test('content that came fast may be slow for as long as that has saved', async (t) => {
  const { late, look } = watching()
  look(1, 100_000)
  look(GRACE_LOOKS + 2 * 100 - 2, 1)
  t.equal(late.length, 0)
  look(10, 1)
  t.equal(late.length, 1)
})

t.test('time in which the content is not read does not count', async (t) => {
  const { request, late, look } = watching()
  for (const flowing of [null, false]) {
    request.readableFlowing = flowing
    look(10_000)
  }
  t.equal(late.length, 0)
  request.readableFlowing = true
  look(PAUSE_LOOKS)
  t.equal(late.length, 0)
  look(2)
  t.equal(late.length, 1)
})

t.test('content that is complete, or no longer of interest, is not late', async (t) => {
  for (const end of ['complete', 'deleted'] as const) {
    const { watch, request, late, look } = watching()
    look(10)
    if (end === 'complete') request.complete = true
    else watch.delete(request)
    look(10_000)
    t.equal(late.length, 0, end)
  }
})

t.test('a rate of 0 is none', async (t) => {
  const { late, look } = watching({ ...LIMITS, bytesPerSecond: 0 })
  look(100_000, 1)
  t.equal(late.length, 0)
})

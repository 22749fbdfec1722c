import t from 'tap'
import { ContinueFilter } from '../../../src/upstream/skipped-continue.ts'

const CONTINUE = 'HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n'
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'
const FINAL = 'HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\nbody'

/** What is left of bytes that come in pieces of `size`. */
function left(text: string, size: number): string {
  const filter = new ContinueFilter()
  filter.expectHead()
  let kept = ''
  for (let at = 0; at < text.length; at += size) {
    const piece = Buffer.from(text.slice(at, at + size), 'latin1')
    kept += (filter.isExpecting ? filter.filter(piece) : piece).toString('latin1')
  }
  return kept
}

t.test('heads of status 100 are taken out, whatever pieces they come in', async (t) => {
  for (const [text, kept] of [
    [CONTINUE + FINAL, FINAL],
    [CONTINUE + CONTINUE + HINTS + CONTINUE + FINAL, HINTS + FINAL],
    [`HTTP/1.0 100 \r\n\r\n${FINAL}`, FINAL],
    [FINAL, FINAL],
    // Within a body it is content.
    [FINAL + CONTINUE, FINAL + CONTINUE],
    ['no HTTP at all', 'no HTTP at all'],
    [`HTTP/2 100\r\n\r\n${FINAL}`, `HTTP/2 100\r\n\r\n${FINAL}`],
  ] as const) {
    for (const size of [1, 2, 7, 13, 1_000]) t.equal(left(text, size), kept, `${size} of ${text}`)
  }
})

t.test('a head without an end is not held for ever', async (t) => {
  const endless = `HTTP/1.1 100 Continue\r\nX-A: ${'b'.repeat(20_000)}`
  t.equal(left(endless, 1_000), endless)
})

t.test('before a request is sent nothing is taken out', async (t) => {
  t.equal(new ContinueFilter().isExpecting, false)
})

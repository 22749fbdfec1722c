/**
 * Everything that takes apart text from outside: of clients, of the upstream, of Redis, of operators. One list for
 * the test that its time is linear (`test/unit/worst-input.test.ts`), for the bench that says how long it takes
 * (`npm run bench:worst-input`), and for the test that no file takes text apart without standing here.
 */
import { trimOws } from '../../src/lib/ows.ts'
import { readTraceContext } from '../../src/lib/trace-context.ts'

export interface Parser {
  readonly name: string
  /** Below `src/`, what of it `run` goes through. */
  readonly files: readonly string[]
  /** Puts what is repeated where it hurts. */
  readonly frames: readonly ((filling: string) => string)[]
  readonly run: (text: string) => unknown
}

const bare = (filling: string): string => filling
const within = (filling: string): string => `x${filling}x`
const PARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`

export const PARSERS: readonly Parser[] = [
  {
    name: 'white space around a value',
    files: ['lib/ows.ts'],
    frames: [bare, within],
    run: trimOws,
  },
  {
    name: 'traceparent',
    files: ['lib/trace-context.ts'],
    frames: [bare, (filling) => `cc${PARENT.slice(2)}-${filling}`],
    run: (text) => readTraceContext(text, null),
  },
  {
    name: 'tracestate',
    files: ['lib/trace-context.ts'],
    frames: [
      bare,
      within,
      // Just below the bound on the field.
      ...[bare, within].map((make) => (filling: string) => make(filling.slice(0, 8_000))),
      (filling) => `a=${filling.slice(0, 8_000)}x`,
      (filling) => `a=x${filling.slice(0, 8_000)}x`,
    ],
    run: (text) => readTraceContext(PARENT, text),
  },
]

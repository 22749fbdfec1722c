/** Time that a parser takes for text of a given length, and how it grows with the length. */
import type { Parser } from './parser.ts'

/** What a header line, or a whole head, may be at most: `maxHeaderSize` of the server. */
export const LONG = 16_384
export const SHORT = 1_024
/** Bound on the ratio of the two: what takes linear time has 16, and a tolerance of a half. */
export const MAX_RATIO = 24

/** Pieces that are repeated to make up an input. Each has stopped some parser of somebody's. */
export const PIECES: readonly string[] = [
  ...[
    ' ',
    '\t',
    ',',
    ';',
    '=',
    '"',
    '\\',
    '/',
    '-',
    '.',
    ':',
    '%',
    '(',
    '*',
    '[',
    '{',
    '0',
    'a',
    '\x80',
  ],
  ...[
    ', ',
    ' ,',
    ',"',
    '",',
    '\\"',
    'a,',
    'a;',
    'a=',
    'a="',
    ';a',
    ';a=a',
    '=a,',
    'a=a,',
    '/a',
    '/.',
    '../',
  ],
  ...[
    '%2',
    '%20',
    'W/"',
    ',W/',
    '"a",',
    'a b',
    'a\t',
    '()',
    '[]',
    '{"',
    '[{',
    ':1',
    'a:',
    '1:1',
    'a\r\n',
  ],
  ...[
    'a:\r\n',
    'a: b\r\n',
    '\r\n',
    '\n',
    '1 ',
    'a@',
    'a=1,',
    'Jan 1 ',
    'no-store,',
    ',\t \tno-store',
  ],
]

export interface Growth {
  readonly parser: string
  readonly piece: string
  readonly frame: number
  /** Microseconds. */
  readonly shortUs: number
  readonly longUs: number
  readonly ratio: number
}

export function isLinear({ ratio }: Growth): boolean {
  return ratio <= MAX_RATIO
}

/** @returns text of about `length` characters */
export function filling(piece: string, length: number): string {
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length)
}

/**
 * Measures one input of a parser. A first look is quick, and passes what is far below the bound. The rest is measured
 * with care, several times, and the best of these counts: other work on the machine makes a figure greater, and hardly
 * ever smaller.
 */
export function growthOf(parser: Parser, piece: string, frame: number): Growth {
  let best = measured(parser, piece, frame, 1)
  if (best.ratio <= MAX_RATIO / 2) return best
  best = measured(parser, piece, frame, 5)
  for (let tries = 0; tries < 12 && !isLinear(best); tries++) {
    const again = measured(parser, piece, frame, 25)
    if (again.ratio < best.ratio) best = again
  }
  return best
}

/** @param samples of which the median counts */
export function measured(
  { name, frames, run }: Parser,
  piece: string,
  frame: number,
  samples: number,
): Growth {
  const make = frames[frame] as (filling: string) => string
  const [short, long] = [SHORT, LONG].map((length) => make(filling(piece, length))) as [
    string,
    string,
  ]
  const shortUs = medianUs(() => run(short), samples)
  const longUs = medianUs(() => run(long), samples)
  return { parser: name, piece, frame, shortUs, longUs, ratio: longUs / shortUs }
}

/** The first run of a regular expression is interpreted, and tells nothing of the others. */
const WARM_UP = 2
/** A sample takes at least this long, so that reading the clock does not count. */
const SAMPLE_US = 30
/** For the samples of one input: of what is slow, few will do. */
const BUDGET_US = 100_000

function medianUs(run: () => unknown, samples: number): number {
  for (let i = 0; i < WARM_UP; i++) run()
  let rounds = 1
  let first = timed(run, rounds)
  while (first * rounds < SAMPLE_US) {
    rounds *= 4
    first = timed(run, rounds)
  }
  const more = Math.min(samples, Math.ceil(BUDGET_US / (first * rounds))) - 1
  const times = [first, ...Array.from({ length: more }, () => timed(run, rounds))]
  return times.sort((a, b) => a - b)[times.length >> 1] as number
}

/** Microseconds for one run, by the clock: there is nothing to wait for. */
function timed(run: () => unknown, rounds: number): number {
  const startedAt = process.hrtime.bigint()
  for (let i = 0; i < rounds; i++) run()
  return Number(process.hrtime.bigint() - startedAt) / 1000 / rounds
}

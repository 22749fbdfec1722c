/**
 * What strangers send takes time in proportion to its length: 16 kB of the worst cost at most 24 times what 1 kB
 * costs, for everything that takes text apart.
 */
import t from 'tap'
import { type Growth, growthOf, isLinear, PIECES } from '../../bench/worst-input/cost.ts'
import type { Parser } from '../../bench/worst-input/parser.ts'
import { PARSERS } from '../../bench/worst-input/parsers.ts'

function growthsOf(parser: Parser): Growth[] {
  return parser.frames.flatMap((_, frame) => PIECES.map((piece) => growthOf(parser, piece, frame)))
}

for (const parser of PARSERS) {
  t.test(`${parser.name} takes linear time, whatever it is made of`, async (t) => {
    const worse = growthsOf(parser).filter((growth) => !isLinear(growth))
    t.strictSame(worse, [])
  })
}

t.test('a parser that takes quadratic time is found', async (t) => {
  const parser: Parser = {
    name: 'trim by a regular expression',
    files: [],
    // An eighth of it: quadratic time is recognised, and not waited for.
    frames: [(filling) => `x${filling.slice(0, filling.length / 8)}x`],
    run: (text) => text.replace(/^[ \t]+|[ \t]+$/g, ''),
  }
  t.notOk(isLinear(growthOf(parser, ' ', 0)))
})

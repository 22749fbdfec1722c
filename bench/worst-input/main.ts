/** `npm run bench:worst-input`: what 16 kB of the worst input cost each parser, and how that grows with the length. */
import { writeFileSync } from 'node:fs'
import { describeMachine } from '../machine.ts'
import { benchFile } from '../paths.ts'
import { progress } from '../progress.ts'
import { type Growth, measured, PIECES } from './cost.ts'
import type { Parser } from './parser.ts'
import { PARSERS } from './parsers.ts'

/** What nothing that a stranger sends may cost. Microseconds. */
const MAX_LONG_US = 2_000
const SAMPLES = 15

function worstOf(parser: Parser): Growth {
  progress(parser.name)
  const growths = parser.frames.flatMap((_, frame) =>
    PIECES.map((piece) => measured(parser, piece, frame, 1)),
  )
  const [worst] = growths.sort((a, b) => b.longUs - a.longUs) as [Growth]
  return measured(parser, worst.piece, worst.frame, SAMPLES)
}

const worst = PARSERS.map(worstOf).sort((a, b) => b.longUs - a.longUs)
console.log(
  `${'16 kB'.padStart(8)} ${'1 kB'.padStart(8)} ${'ratio'.padStart(6)}  microseconds, by what is read`,
)
for (const { parser, piece, shortUs, longUs, ratio } of worst) {
  const figures = [longUs.toFixed(1).padStart(8), shortUs.toFixed(1).padStart(8)]
  console.log(...figures, ratio.toFixed(1).padStart(6), '', parser, JSON.stringify(piece))
}
const machine = describeMachine(new Date())
const result = `${JSON.stringify({ machine, worst }, null, 2)}\n`
writeFileSync(benchFile('results', 'worst-input.json'), result)
if (worst.some(({ longUs }) => longUs > MAX_LONG_US)) {
  console.error(`more than ${MAX_LONG_US} µs for 16 kB`)
  process.exitCode = 1
}

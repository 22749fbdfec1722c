/** Which lines are written. */
import { choice, group, milliseconds } from '../value-kinds.ts'

export const log = group({
  level: choice(
    ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    'info',
    'Least severe line that is written.',
  ),
  slowMs: milliseconds(
    1_000,
    'A request that takes longer is logged at `info`, whatever came of it.',
  ),
})

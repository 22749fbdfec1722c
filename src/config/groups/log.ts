/** Which lines are written. */
import Type from 'typebox'
import { choice, group, milliseconds } from '../value-kinds.ts'

export const log = group({
  level: choice(
    ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
    'info',
    'Least severe line that is written.',
  ),
  clientAddress: Type.Boolean({
    default: false,
    description: 'Whether the line of a request has the address of its client (`client.address`).',
  }),
  slowMs: milliseconds(
    1_000,
    'A request that takes longer is logged at `info`, whatever came of it.',
  ),
})

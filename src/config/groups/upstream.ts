/** The API: where it is, how long it may take, how many requests it gets at once. */
import Type from 'typebox'
import { choice, group, milliseconds, optionalText, share } from '../value-kinds.ts'

export const upstream = group({
  url: optionalText('Base URL of the API, with a path prefix if it has one. Required.'),
  connectTimeoutMs: milliseconds(1_000, 'Time to connect.', 1),
  headersTimeoutMs: milliseconds(
    8_000,
    "Time from the request having been sent to the end of the answer's head.",
    1,
  ),
  totalTimeoutMs: milliseconds(
    10_000,
    'Time from the arrival of a cached read, or from another request being passed on, to its answer; not counted: sending its content.',
    1,
  ),
  bodyTimeoutMs: milliseconds(5_000, 'Longest pause within a body.', 1),
  streamTimeoutMs: milliseconds(
    300_000,
    'Time for a body that is handed over as it comes; not counted: while its reader is not ready.',
    1,
  ),
  connections: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 128,
    description: 'Most connections to the API at once.',
  }),
  connectionLifeMs: milliseconds(
    300_000,
    'Time for which a connection to the API is used, up to a fifth less; then it finishes its request and is closed. 0: for as long as it holds.',
  ),
  addressCheckMs: milliseconds(
    5_000,
    'How often the name in `url` is looked up while there are connections; those to an address that it has lost twice in a row finish their request and are closed. 0: never.',
  ),
  tenantReads: Type.Integer({
    minimum: 1,
    maximum: 10_000,
    default: 64,
    description:
      'Most cached reads of one tenant under way to the API at once, a half of `connections` at most; others wait their turn.',
  }),
  passThrough: share(
    'Most requests under way to the API at once that pass through, of all tenants. 0: a half of `connections`.',
  ),
  tenantPassThrough: share(
    'Most of them for one tenant, and for all that name none; others wait their turn. 0: a half of `passThrough`.',
  ),
  forwarded: choice(
    ['off', 'x-forwarded', 'forwarded'],
    'off',
    'How the API is told who asks, on what passes through: by X-Forwarded-For, -Proto and -Host, or by Forwarded (RFC 7239).',
  ),
  ca: optionalText(
    'PEM file of the authorities that may vouch for the API, in place of the system’s.',
  ),
})

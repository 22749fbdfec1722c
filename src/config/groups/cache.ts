/** How long what is stored is served, and to whom. */
import Type from 'typebox'
import { bytes, choice, group, milliseconds, seconds } from '../value-kinds.ts'

export const cache = group({
  ttlMs: milliseconds(300_000, 'How long a body is fresh, for all who were given the same.', 1),
  ttlJitter: Type.Number({
    minimum: 0,
    maximum: 0.5,
    default: 0.1,
    description: 'Fraction by which `ttlMs` varies either way.',
  }),
  grantTtlMs: milliseconds(
    900_000,
    'How long a credential may read what the upstream once gave it: longest life of an old role’s view.',
    1,
  ),
  credentialTtlMs: milliseconds(
    300_000,
    'How long a credential counts as accepted after the upstream last accepted it: longest life of a revoked token.',
    1,
  ),
  sharing: choice(
    ['witnessed', 'credential', 'tenant'],
    'witnessed',
    'Who keeps bytes fresh for whom; see docs/sharing.md before choosing `tenant`.',
  ),
  staleWhileRevalidateMs: milliseconds(
    30_000,
    'How long past its freshness a body may be served while it is refreshed.',
  ),
  staleIfErrorMs: milliseconds(
    300_000,
    'How long past its freshness a body may be served while the API fails, to those it was given to.',
  ),
  clientMaxAgeSeconds: seconds(
    'How long a client may use its own copy without asking, and no longer than it is fresh here; 0: it always asks. See docs/browsers.md.',
  ),
  clientStaleIfErrorSeconds: seconds(
    'How long past that a client may use its own copy while it gets no answer; 0: not.',
  ),
  maxBodyBytes: bytes(1_048_576, 'Longest body that is stored; longer ones are streamed through.'),
  keepHeaders: Type.Array(
    Type.String({
      pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
      maxLength: 64,
      description: 'names of headers, without spaces and colons',
    }),
    {
      default: [],
      maxItems: 64,
      description:
        'Headers of answers that are stored and replayed with a body beside the usual ones; one that changes with each answer turns sharing off. See docs/sharing.md.',
    },
  ),
  memory: group({
    maxBytes: bytes(67_108_864, 'Size of the memory tier.'),
  }),
})

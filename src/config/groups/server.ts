/** The public listener: where it listens, what it may hold, how it ends. */
import Type from 'typebox'
import { bytes, group, list, milliseconds, optionalText, port } from '../value-kinds.ts'

export const server = group({
  host: Type.String({
    minLength: 1,
    default: '127.0.0.1',
    description: 'Address of the public listener.',
  }),
  port: port(8003, 'Port of the public listener; 0: any free one.'),
  processes: Type.Integer({
    minimum: 0,
    maximum: 64,
    default: 1,
    description:
      'Processes that share the public port; 0: one for each core. Each has a memory tier and limits of its own.',
  }),
  trustProxy: list(
    'Addresses and networks of proxies in front whose X-Forwarded-* or Forwarded is continued where `upstream.forwarded` is set; also `loopback`, `linklocal`, `uniquelocal`.',
  ),
  publicUrl: optionalText(
    'What clients ask by, as https://api.example: cached reads name its host and scheme to the API where `upstream.forwarded` is set.',
  ),
  proxyProtocol: Type.Boolean({
    default: false,
    description:
      'Whether each connection begins with a header of version 2 of the PROXY protocol, which names the client; then one without is closed. Only behind a balancer that sends it: anybody else could name any address.',
  }),
  fastPath: Type.Boolean({
    default: true,
    description:
      'Whether plain reads are answered before they reach Node’s HTTP server. The answers are the same.',
  }),
  tls: group({
    cert: optionalText(
      'PEM file of the certificate, and those above it, for TLS on the public listener.',
    ),
    key: optionalText('PEM file of its key.'),
  }),
  timing: Type.Boolean({
    default: false,
    description:
      'Whether answers say in `Server-Timing` where their time went: `cache`, `redis`, `wait`, `upstream`, `total`.',
  }),
  maxEventLoopDelayMs: milliseconds(
    1_000,
    'Beyond this mean delay of the event loop, what is not in memory is refused with 503; 0: never.',
  ),
  drainDelayMs: milliseconds(
    2_000,
    'Time between becoming unready and no longer listening, in which load balancers look elsewhere.',
  ),
  drainTimeoutMs: milliseconds(
    9_500,
    'Time from the signal to the end of the process, whatever is still under way; what kills it must wait longer.',
    1,
  ),
  maxRequestBytes: bytes(1_048_576, 'Longest content of a request that is passed through.'),
  uploadPauseMs: milliseconds(
    15_000,
    'Longest time in which nothing comes of the content that a request has announced; then it is answered with 408.',
    100,
  ),
  uploadBytesPerSecond: Type.Integer({
    minimum: 0,
    maximum: 1_000_000_000,
    default: 1_000,
    description:
      'Least mean rate at which content comes, after its first 15 s; then it is answered with 408. 0: none.',
  }),
  readerTimeoutMs: milliseconds(
    30_000,
    'Longest time in which a client takes nothing of what waits for it; then its connection is closed.',
    100,
  ),
  maxHeldBytes: bytes(
    16_777_216,
    'Memory of one process for the content of writes, held until it is whole; beyond it a write is sent as its content comes. 0: always.',
    0,
  ),
})

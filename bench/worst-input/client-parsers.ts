/** What reads single fields of a request once it has passed, or needs no more than to be refused. */
import { requestDirectives } from '../../src/cache/cache-control.ts'
import { noneMatchFails } from '../../src/http/conditional.ts'
import { canNotMatch, conditionsForApi } from '../../src/http/conditions.ts'
import { chooseCoding } from '../../src/http/encoding.ts'
import { forwardingBy } from '../../src/http/forwarded.ts'
import { preflightForApi, preflightOf } from '../../src/http/preflight.ts'
import type { RequestHead } from '../../src/http/validate.ts'
import { clientAddress } from '../../src/lib/client-address.ts'
import { readProxyHeader } from '../../src/lib/proxy-protocol.ts'
import { readTraceContext } from '../../src/lib/trace-context.ts'
import { AdminGate } from '../../src/ops/admin-gate.ts'
import { browserRefusal, hostRules } from '../../src/ops/browser-rules.ts'
import { chooseFormat } from '../../src/ops/format-choice.ts'
import { passedOn } from '../../src/upstream/headers.ts'
import { bare, below, type Parser, within } from './parser.ts'

const PARENT = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`
const OWN_TAG = '"noAUUuJrsMN8nKfDR2nN0g"'

const OWN_HOSTS = hostRules('127.0.0.1', ['ops.example'])
const gate = new AdminGate('x'.repeat(16), { wall: () => 0, monotonic: () => 0 })

let runs = 0

/** Of the PROXY protocol, with the longest part of variable length. */
const PROXY_HEADER = Buffer.from('0d0a0d0a000d0a515549540a21210800', 'hex')

const PREFLIGHT = {
  method: 'OPTIONS',
  path: '/customers/1',
  origin: 'https://app.example',
  requestedMethod: 'GET',
  requestedHeaders: null,
  authorization: null,
} as RequestHead

const BY_X_FORWARDED = forwardingBy('x-forwarded', ['loopback', '1.0.0.0/8'])
const BY_FORWARDED = forwardingBy('forwarded', ['loopback'])

export const CLIENT_PARSERS: readonly Parser[] = [
  {
    name: 'the address of a client',
    files: ['lib/client-address.ts', 'lib/proxy-protocol.ts'],
    frames: [bare, (filling) => `::ffff:${filling}`],
    run: (text) => [
      clientAddress({ remoteAddress: text }),
      readProxyHeader(Buffer.concat([PROXY_HEADER, Buffer.from(text)])),
    ],
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
      below(8_000, bare),
      below(8_000, within),
      below(8_000, (filling) => `a=${filling}x`),
      below(8_000, (filling) => `a=x${filling}x`),
    ],
    run: (text) => readTraceContext(PARENT, text),
  },
  {
    name: 'If-None-Match',
    files: ['http/conditional.ts', 'cache/entity-tag.ts'],
    frames: [
      bare,
      below(2_000, bare),
      // With what makes it worth cutting up.
      below(2_000, (filling) => `**,${filling}x`),
      below(2_000, (filling) => `x${OWN_TAG}${filling}x`),
    ],
    run: (text) => noneMatchFails(text, OWN_TAG),
  },
  {
    name: 'If-Match',
    files: ['http/conditions.ts', 'http/entity-tags.ts'],
    frames: [bare, within, (filling) => `"${filling}`, (filling) => `${OWN_TAG},${filling}x`],
    run: (text) => [canNotMatch(text), conditionsForApi(['if-match', text], true)],
  },
  ...(['origin', 'requestedMethod', 'requestedHeaders', 'path'] as const).map((field) => ({
    name: `${field} of a preflight`,
    files: ['http/preflight.ts'],
    frames: [bare, within, below(1_000, bare), below(500, (filling) => `https://${filling}/`)],
    run: (text: string) => [
      preflightOf({ ...PREFLIGHT, [field]: text }),
      preflightForApi(['access-control-request-headers', text]),
    ],
  })),
  {
    name: 'Accept-Encoding',
    files: ['http/encoding.ts'],
    frames: [bare, within, below(1_000, bare), below(1_000, (filling) => `a;q=${filling}`)],
    // Another one each time: what was chosen is remembered.
    run: (text) => chooseCoding(`${text}${runs++}`),
  },
  {
    name: 'Cache-Control of a request',
    files: ['cache/cache-control.ts'],
    frames: [
      bare,
      within,
      below(2_000, bare),
      below(2_000, (filling) => `max-age=${filling}`),
      below(2_000, (filling) => `a="${filling}`),
      below(2_000, (filling) => `a="${filling}"x`),
    ],
    run: (text) => requestDirectives(text, null),
  },
  {
    name: 'Pragma',
    files: ['cache/cache-control.ts'],
    frames: [
      bare,
      within,
      below(2_000, bare),
      below(2_000, (filling) => `,${filling}no-cache${filling}x`),
    ],
    run: (text) => requestDirectives(null, text),
  },
  {
    name: 'who asks, as a trusted proxy says',
    files: ['http/forwarded.ts'],
    frames: [bare, (filling) => '1.1.1.1,'.repeat(filling.length >> 3)],
    run: (value) => {
      const names = [
        'x-forwarded-for',
        'x-forwarded-proto',
        'x-forwarded-host',
        'forwarded',
        'host',
      ]
      const peer = { address: '127.0.0.1', isSecure: false }
      const raw = names.flatMap((name) => [name, value])
      return [BY_X_FORWARDED(raw, peer), BY_FORWARDED(raw, peer)]
    },
  },
  {
    name: 'fields that are passed on',
    files: ['upstream/headers.ts'],
    frames: [bare],
    run: (text) => passedOn(['via', text, text, 'a', 'accept', text], false),
  },
  {
    name: 'Accept of the metrics',
    files: ['ops/format-choice.ts'],
    frames: [
      bare,
      within,
      below(4_000, bare),
      below(4_000, (filling) => `text/plain;${filling}`),
      below(4_000, (filling) => `text/plain;a="${filling}x`),
      below(4_000, (filling) => `text/plain;q=0${filling}x`),
    ],
    run: chooseFormat,
  },
  {
    name: 'Host of the operations listener',
    files: ['ops/browser-rules.ts'],
    frames: [bare, within, (filling) => `[${filling}`, below(250, bare)],
    run: (host) => browserRefusal('/metrics', { host }, OWN_HOSTS),
  },
  {
    name: 'Authorization of the admin API',
    files: ['ops/admin-gate.ts'],
    frames: [bare, (filling) => `bearer${filling}\u0001`, (filling) => `bearer ${filling}\u0001`],
    run: (text) => gate.judge(text),
  },
]

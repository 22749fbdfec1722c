/** What reads answers of the upstream. */
import { responseDirectives } from '../../src/cache/cache-control.ts'
import { DigestRule } from '../../src/cache/digest-rule.ts'
import { HeaderLists } from '../../src/cache/header-lists.ts'
import { integerMember, memberOfContent, parseObject } from '../../src/cache/json-member.ts'
import { outcome } from '../../src/cache/outcome.ts'
import { assess } from '../../src/cache/policy.ts'
import type { HeaderList } from '../../src/cache/records.ts'
import { joinedHeader } from '../../src/cache/representation.ts'
import { headersOf, printable } from '../../src/http/answer.ts'
import { AS_THE_API_SAYS } from '../../src/http/cors-fields.ts'
import { linesOf } from '../../src/http/lines.ts'
import { permissionIn, preflightAnswer } from '../../src/http/preflight.ts'
import { CACHED_READ, relayedAnswer } from '../../src/http/relayed-answer.ts'
import type { RequestHead } from '../../src/http/validate.ts'
import { faultFields } from '../../src/lib/fault-fields.ts'
import { parseHttpDate } from '../../src/lib/http-date.ts'
import { reasonOf } from '../../src/upstream/checked-answer.ts'
import { framingOf } from '../../src/upstream/framing.ts'
import { endToEndHeaders } from '../../src/upstream/headers.ts'
import { Locations } from '../../src/upstream/locations.ts'
import { retryAfterMs } from '../../src/upstream/retry-after.ts'
import { ContinueFilter } from '../../src/upstream/skipped-continue.ts'
import { isBrokenJson, isJson } from '../../src/upstream/unproven-body.ts'
import { bare, below, type Frame, type Parser, within } from './parser.ts'

const FACTS = { readers: AS_THE_API_SAYS, timing: null }
const TOLD = outcome('pass-through', { forward: 'bypass' })
const HEAD = { requestId: '0198c0de-0000-4000-8000-000000000000' } as RequestHead
const SOUND: HeaderList = [
  ['content-type', 'application/json'],
  ['x-api-version', '2019/02/08'],
]
const BODY = Buffer.from('{"parent_id":null}')
const DIGESTS = new DigestRule([])
const NOW = Date.UTC(2026, 10, 24)
/** Above 2^53: the digits themselves are read. */
const LARGE = '9007199254740993'

function assessed(headers: HeaderList, body: Buffer): unknown {
  const answer = { kind: 'buffered', status: 200, reason: '', headers, body, sentAt: 0 } as const
  const times = { sentAt: NOW, receivedAt: NOW }
  return assess({ version: null, parentMember: 'parent_id' }, answer, 300_000, times)
}

function manyLines(text: string): string[] {
  const lines: string[] = []
  for (let at = 0; at < text.length; at += 8) lines.push(`x-${at % 512}`, text.slice(at, at + 8))
  return lines
}

const nested: Frame = (filling) => {
  const depth = filling.length >> 1
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}
const list: Frame = (filling) => `[${'1,'.repeat(filling.length >> 1)}1]`
const text: Frame = (filling) => JSON.stringify(filling)
const digits: Frame = (filling) => '7'.repeat(filling.length)
const names: Frame = (filling) =>
  `{${Array.from({ length: filling.length >> 3 }, (_, i) => `"${i}":1`).join()}}`
const blanks: Frame = (filling) => `${' '.repeat(filling.length)}1`
const sameNames: Frame = (filling) => `1${',"id":1'.repeat(filling.length >> 3)}`
const VALUES = [nested, list, text, digits, names, blanks, sameNames]

export const UPSTREAM_PARSERS: readonly Parser[] = [
  ...[
    'vary',
    'cache-control',
    'age',
    'expires',
    'date',
    'etag',
    'content-type',
    'content-encoding',
  ].map((name) => ({
    name: `policy on ${name} of an answer`,
    files: ['cache/policy.ts', 'cache/freshness.ts', 'cache/cache-control.ts', 'lib/http-date.ts'],
    frames: [
      bare,
      within,
      below(2_000, bare),
      (filling: string) => `accept,${filling}`,
      below(60, bare),
    ],
    run: (value: string) =>
      assessed([[name, value], ...SOUND.filter(([sound]) => sound !== name)], BODY),
  })),
  {
    name: 'Cache-Control of an answer',
    files: ['cache/cache-control.ts'],
    frames: [bare, below(2_000, bare), below(2_000, (filling) => `a="${filling}`)],
    run: responseDirectives,
  },
  {
    name: 'the body of an answer',
    files: ['cache/policy.ts', 'cache/json-member.ts'],
    frames: [
      bare,
      (filling) => `{"${filling}`,
      (filling) => `{"a":${JSON.stringify(filling)}`,
      nested,
    ],
    run: (body) => assessed(SOUND, Buffer.from(body)),
  },
  {
    name: 'an id above 2^53 in a body',
    files: ['cache/json-digits.ts', 'cache/json-member.ts'],
    frames: VALUES.map((value) => (filling: string) => `{"id":${LARGE},"a":${value(filling)}}`),
    run: (json) => {
      const object = parseObject(json)
      return object === null ? null : integerMember(json, object, 'id')
    },
  },
  {
    name: 'a member that may be there twice',
    files: ['cache/json-digits.ts', 'cache/json-member.ts'],
    frames: [(filling) => `{"a":${JSON.stringify(filling)},"id":1,"id":2}`],
    run: (text) => memberOfContent(text, 'id'),
  },
  {
    name: 'the stack of an error that quotes what it read',
    files: ['lib/fault-fields.ts'],
    frames: [bare, within, (filling) => `a\n    at ${filling}`, (filling) => `: ${filling}`],
    run: (text) => faultFields(new Error(text)),
  },
  {
    name: 'an id of many digits in a body',
    files: ['cache/json-member.ts'],
    frames: [(filling) => `{"id":${digits(filling)}}`],
    run: (json) => integerMember(json, parseObject(json) ?? {}, 'id'),
  },
  {
    name: 'a date',
    files: ['lib/http-date.ts'],
    frames: [bare, within, (filling) => `Sun Nov  6 08:49:37 19${filling}`],
    run: (text) => parseHttpDate(text, NOW),
  },
  {
    name: 'Retry-After',
    files: ['upstream/retry-after.ts'],
    frames: [bare, within],
    run: (value) =>
      retryAfterMs(
        [
          ['retry-after', value],
          ['date', value],
        ],
        NOW,
      ),
  },
  {
    name: 'the name of a field of an answer',
    files: ['upstream/headers.ts'],
    frames: [bare, within],
    run: (name) => endToEndHeaders([name, 'a']),
  },
  {
    name: 'the value of a field of an answer',
    files: ['upstream/headers.ts'],
    frames: [bare, within],
    run: (value) => endToEndHeaders(['a', value, 'connection', value, 'connection', value]),
  },
  {
    name: 'many fields of an answer',
    files: [
      'upstream/headers.ts',
      'cache/representation.ts',
      'cache/digest-rule.ts',
      'cache/header-lists.ts',
      'http/told.ts',
    ],
    frames: [(filling) => filling.replaceAll(/[^ -~]/g, 'x')],
    run: (value) => {
      const fields = endToEndHeaders(manyLines(value)) ?? []
      const kept = new HeaderLists().shared(DIGESTS.keptHeaders(fields))
      return [joinedHeader(kept, 'vary'), linesOf(manyLines(value))]
    },
  },
  {
    name: 'an answer to a preflight',
    files: ['http/preflight.ts'],
    frames: [bare, within, below(2_000, bare), below(2_000, within)],
    run: (value) => {
      const asked = { origin: value, pattern: '', key: '' }
      const headers: HeaderList = [
        ['access-control-allow-origin', value],
        ['access-control-allow-methods', value],
        ['access-control-allow-headers', value],
        ['access-control-max-age', value],
      ]
      const permission = permissionIn(asked, 204, headers)
      return preflightAnswer(permission, 1, HEAD.requestId)
    },
  },
  {
    name: 'an answer that is relayed',
    files: [
      'http/relayed-answer.ts',
      'http/client-fields.ts',
      'http/entity-tags.ts',
      'http/status-list.ts',
    ],
    frames: [bare, within, (filling) => `no-store,${filling}`],
    run: (value) => {
      const headers: HeaderList = [
        'vary',
        'etag',
        'cache-control',
        'via',
        'cache-status',
        'access-control-allow-origin',
        'access-control-expose-headers',
      ].map((name) => [name, value])
      const answer = { status: 200, reason: value, headers, body: null }
      return headersOf(relayedAnswer(answer, TOLD, HEAD, CACHED_READ, FACTS))
    },
  },
  {
    name: 'a body that may be cut off',
    files: ['upstream/unproven-body.ts', 'upstream/framing.ts'],
    frames: [bare, ...VALUES],
    run: (value) => [
      isJson(value),
      isBrokenJson(Buffer.from(value)),
      framingOf('GET', 200, { 'transfer-encoding': value }),
    ],
  },
  {
    name: 'interim answers before a head',
    files: ['upstream/skipped-continue.ts'],
    frames: [
      bare,
      (filling) => `HTTP/1.1 100 ${filling}`,
      (filling) => 'HTTP/1.1 100 \r\n\r\n'.repeat(filling.length >> 4),
    ],
    run: (value) => {
      const filter = new ContinueFilter()
      filter.expectHead()
      return filter.filter(Buffer.from(value, 'latin1'))
    },
  },
  {
    name: 'where an answer points to',
    files: ['upstream/locations.ts'],
    frames: [bare, (filling) => `//${filling}`, (filling) => `http://${filling}:`],
    run: (value) => new Locations('https://api.example/v1', null).forClient(value),
  },
  {
    name: 'a reason phrase',
    files: ['http/answer.ts', 'upstream/checked-answer.ts'],
    frames: [bare, (filling) => `${filling}\u0001`],
    run: (statusText) => [printable(statusText), reasonOf({ statusText })],
  },
]

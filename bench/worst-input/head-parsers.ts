/** What reads the head of a request: the list of its fields, the target, and the front end that reads bytes itself. */
import { isUuid } from '../../src/contract/headers.ts'
import { matchRead, matchWrite } from '../../src/contract/routes.ts'
import { collectFields } from '../../src/http/fields.ts'
import { forwardsLeft } from '../../src/http/max-forwards.ts'
import { problemOfFault } from '../../src/http/parse-faults.ts'
import { parseTarget } from '../../src/http/target.ts'
import { validate } from '../../src/http/validate.ts'
import { trimOws } from '../../src/lib/ows.ts'
import { rawHeadersOf, readHead, readLine } from '../../src/wire/head.ts'
import { Recogniser } from '../../src/wire/recognise.ts'
import { bare, below, type Frame, type Parser, within } from './parser.ts'

const REQUEST_ID = '0198c0de-0000-4000-8000-000000000000'
const newRequestId = (): string => REQUEST_ID
const SOUND = ['host', 'layby', 'authorization', 'bearer a.b', 'x-tenant-id', '7'] as const

/** The longest head that the wire front end takes on. */
const MAX_WIRE_HEAD = 8_192
const head: Frame = (filling) => `GET /customers/1 HTTP/1.1\r\n${filling}\r\n\r\n`
const field: Frame = (filling) => head(`Host: layby\r\nX-A: ${filling}x`)
const target: Frame = (filling) => `GET /${filling} HTTP/1.1\r\nHost: layby\r\n\r\n`
const HEADS = [bare, head, field, target]

/** Names and values in turn: as many lines as the filling gives. */
function linesOf(filling: string): string[] {
  const lines: string[] = []
  for (let at = 0; at < filling.length; at += 8) lines.push(filling.slice(at, at + 4), 'a')
  return lines
}

export const REQUEST_HEAD_PARSERS: readonly Parser[] = [
  {
    name: 'white space around a value',
    files: ['lib/ows.ts'],
    frames: [bare, within],
    run: trimOws,
  },
  ...['authorization', 'x-tenant-id', 'connection', 'via', 'cache-control', 'x-unknown'].map(
    (name) => ({
      name: `the field ${name} among others`,
      files: ['http/fields.ts'],
      frames: [bare, within, (filling: string) => `1.1${filling}layby`],
      run: (text: string) => collectFields([name, text, name, text]),
    }),
  ),
  {
    name: 'the name of a field',
    files: ['http/fields.ts'],
    frames: [bare, within],
    run: (text) => collectFields([text, 'a']),
  },
  {
    name: 'many fields',
    files: ['http/fields.ts', 'http/validate.ts'],
    frames: [bare],
    run: (text) => {
      const raw = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: linesOf(text) }
      return validate(raw, newRequestId, 0)
    },
  },
  ...['host', 'expect', 'transfer-encoding', 'content-length', 'content-type', 'x-api-version'].map(
    (name) => ({
      name: `validation of ${name}`,
      files: ['http/validate.ts', 'contract/headers.ts'],
      frames: [bare, within, (filling: string) => `a/b;a="${filling}"`, below(250, bare)],
      run: (text: string) => {
        const rawHeaders = [...SOUND.filter((_, i) => SOUND[i - (i % 2)] !== name), name, text]
        return validate(
          { method: 'POST', url: '/', httpVersion: '1.1', rawHeaders },
          newRequestId,
          1,
        )
      },
    }),
  ),
  ...(['authorization', 'x-tenant-id', 'x-request-id'] as const).map((name) => ({
    name: `validation of ${name}`,
    files: ['http/validate.ts', 'contract/headers.ts'],
    frames: [
      bare,
      (filling: string) => `bearer ${filling}`,
      below(248, (filling) => `bearer ${filling}`),
    ],
    run: (text: string) => {
      const rest = SOUND.filter((_, i) => SOUND[i - (i % 2)] !== name)
      const raw = { method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: [...rest, name, text] }
      return [validate(raw, newRequestId, 1), isUuid(text)]
    },
  })),
  {
    name: 'a count of forwards',
    files: ['http/max-forwards.ts'],
    frames: [bare, within],
    run: (text) => forwardsLeft('OPTIONS', text),
  },
  {
    name: 'bytes that Node could not read',
    files: ['http/parse-faults.ts'],
    frames: [bare, within, (filling) => `${filling} / HTTP/1.1\r\n`, (filling) => `A /${filling}`],
    run: (text) =>
      problemOfFault({ code: 'HPE_INVALID_METHOD', rawPacket: Buffer.from(text), bytesParsed: 1 }),
  },
  {
    name: 'the target',
    files: ['http/target.ts'],
    frames: [
      bare,
      (filling) => `/${filling}`,
      (filling) => `/a${filling}\\`,
      (filling) => `/?${filling}`,
    ],
    run: parseTarget,
  },
  {
    name: 'the route of a read',
    files: ['contract/routes.ts'],
    frames: [bare, (filling) => `/customers/${filling}`, (filling) => `/customers/1/${filling}`],
    run: matchRead,
  },
  {
    name: 'the row of a write',
    files: ['contract/routes.ts'],
    frames: [
      bare,
      (filling) => `/customers/${filling}`,
      (filling) => `/customers/1/addresses/${filling}`,
      (filling) => `/locations/1/customers/1/${filling}`,
    ],
    run: (text) => matchWrite('PATCH', text),
  },
  {
    name: 'a head, by the wire front end',
    files: ['wire/head.ts'],
    frames: [...HEADS, ...HEADS.map((frame) => below(MAX_WIRE_HEAD - 64, frame))],
    run: (text) => [readHead(text, 0), readLine(text, 0)],
  },
  {
    name: 'a header block, by the wire front end',
    files: ['wire/head.ts'],
    frames: [(filling) => `X-A: ${filling.replaceAll(/[\r\n]/g, 'x')}\r\n`, linesBlock],
    run: rawHeadersOf,
  },
  {
    name: 'a head like the last one, by the wire front end',
    files: ['wire/recognise.ts'],
    frames: [...HEADS, ...HEADS.map((frame) => below(MAX_WIRE_HEAD - 64, frame))],
    run: (text) => {
      const recogniser = new Recogniser(newRequestId)
      recogniser.recognise(text, 0)
      return recogniser.recognise(text, 0)
    },
  },
  {
    name: 'a head that comes in pieces, by the wire front end',
    files: ['wire/recognise.ts', 'wire/head.ts'],
    frames: [field, (filling) => `GET /${filling}`],
    run: (text) => {
      const recogniser = new Recogniser(newRequestId)
      for (let length = 0; length < text.length; length += 32) {
        const { kind } = recogniser.recognise(text.slice(0, length), 0)
        if (kind !== 'incomplete') return kind
      }
      return null
    },
  },
]

/** Many short lines. */
function linesBlock(filling: string): string {
  return linesOf(filling.replaceAll(/[\r\n:]/g, 'x'))
    .map((text, i) => (i % 2 === 0 ? `${text}:` : ` ${text}\r\n`))
    .join('')
}

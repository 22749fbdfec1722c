/**
 * What the wire front end takes on, Node's parser reads identically: seeded mutations of request heads,
 * each followed by a sentinel. `WIRE_MUTATIONS` sets how many; 5,000,000 for a release.
 */
import { METHODS } from 'node:http'
import { createRequire } from 'node:module'
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import { type Recognised, Recogniser } from '../../src/wire/recognise.ts'
import { HEADERS } from '../helpers/app.ts'

const MUTATIONS = Number(process.env['WIRE_MUTATIONS'] ?? 200_000)
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const SENTINEL = 'GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n'
const ID = '0198c0de-0000-7000-8000-000000000001'

interface Message {
  method: string
  url: string
  major: number
  minor: number
  headers: string[]
  keepAlive: boolean
  upgrade: boolean
}

/** Node's own parser, as its server sets it up. */
interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenient: number): void
  execute(bytes: Buffer): number | Error
  close(): void
  [callback: number]: unknown
}
type ParserClass = (new () => NodeParser) & Readonly<Record<string, number>>
const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  readonly HTTPParser: ParserClass
  readonly methods: readonly string[]
}

/** All messages that Node finds in `bytes`; null: it objects. */
function parseByNode(bytes: Buffer): Message[] | null {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser['REQUEST'] as number, {}, 16_384, 0)
  const messages: Message[] = []
  let early: string[] = []
  let bodyBytes = 0
  // More than 32 lines come in portions.
  parser[HTTPParser['kOnHeaders'] as number] = (headers: string[]) => {
    early = [...early, ...headers]
  }
  parser[HTTPParser['kOnHeadersComplete'] as number] = (
    major: number,
    minor: number,
    headers: string[] | undefined,
    method: number,
    url: string,
    _status: unknown,
    _reason: unknown,
    upgrade: boolean,
    keepAlive: boolean,
  ) => {
    const all = [...early, ...(headers ?? [])]
    early = []
    messages.push({
      method: methods[method] ?? '',
      url,
      major,
      minor,
      headers: all,
      upgrade,
      keepAlive,
    })
    return 0
  }
  parser[HTTPParser['kOnBody'] as number] = () => {
    bodyBytes++
  }
  const result = parser.execute(bytes)
  parser.close()
  return typeof result === 'number' && bodyBytes === 0 ? messages : null
}

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const LINES = [
  'Host: layby.test',
  `Authorization: ${HEADERS.authorization}`,
  'X-Tenant-Id: 7',
  'X-Api-Version: 2023/04/19',
  `X-Request-Id: ${ID}`,
  'Accept: application/json',
  'Connection: keep-alive',
  `traceparent: ${TRACE}`,
  'If-None-Match: "abc", W/"d"',
  'Cache-Control: max-age=0',
  'User-Agent: driver/1 (a; b)',
  'Content-Type: application/json; charset=utf-8',
]
const STARTS = [
  'GET /customers/1 HTTP/1.1',
  'HEAD /customers/1/ HTTP/1.1',
  'DELETE /customers/1/addresses/2 HTTP/1.1',
  'OPTIONS /customers/1 HTTP/1.1',
  'GET /x?y=1&z HTTP/1.1',
]
/** What has made parsers disagree, as pieces to put anywhere. */
const PIECES = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\n\n',
  '\r\n ',
  '\r\n\t',
  ' ',
  '\t',
  ':',
  ' :',
  ': ',
  ',',
  ';',
  '\0',
  '\x7f',
  '\x80',
  '\xff',
  '\xa0',
  '\x0b',
  '\x0c',
  '"',
  '/',
  '//',
  '?',
  '#',
  '%',
  '*',
  '_',
  '.',
  '0',
  '1',
  'HTTP/1.1',
  'HTTP/1.0',
  'Content-Length: 3\r\n',
  'Content-Length:0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'TE: trailers\r\n',
  'Trailer: a\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Connection: keep-alive\r\n',
  'Keep-Alive: 1\r\n',
  'Proxy-Connection: close\r\n',
  'Expect: 100-continue\r\n',
  'Host: other\r\n',
  'X-Tenant-Id: 8\r\n',
  'x_tenant_id: 8\r\n',
  '__proto__: 1\r\n',
  'GET / HTTP/1.1\r\n',
  'HTTP2-Settings: a\r\n',
  'Upgrade: websocket\r\n',
  'A:b\r\n',
  ':\r\n',
] as const

/** Stands for a method that Node does not know, so that it reads the rest. */
const STAND_IN = 'LOCK'

t.setTimeout(600_000)
t.test(`${MUTATIONS} mutated heads, seed ${SEED}`, { timeout: 600_000 }, async (t) => {
  const random = seededRandom(`wire/${SEED}`)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const at = (text: string): number => Math.floor(random() * (text.length + 1))
  const mutators: readonly ((text: string) => string)[] = [
    (text) => splice(text, at(text), 0, pick(PIECES)),
    (text) => splice(text, at(text), 1, pick(PIECES)),
    (text) => splice(text, at(text), 1, ''),
    (text) => splice(text, at(text), 1, String.fromCharCode(Math.floor(random() * 256))),
    (text) => splice(text, at(text), 0, text.slice(at(text)).slice(0, Math.floor(random() * 40))),
    (text) => splice(text, at(text), Math.floor(random() * 12), ''),
    (text) => swapCase(text, at(text)),
    (text) => splice(text, afterLine(text, random), 0, pick(PIECES)),
    (text) => mutateWithin(text, ID, random),
    (text) => mutateWithin(text, TRACE, random),
  ]
  const experienced = fresh()
  let accepted = 0
  let different = 0
  const differences: string[] = []
  for (let n = 0; n < MUTATIONS; n++) {
    const lines = LINES.filter(() => random() < 0.85)
    const block = `${lines.join('\r\n')}\r\n\r\n`
    // The request before it on the same connection: the same, but for what is mutated now and its path.
    experienced.recognise(`${pick(STARTS)}\r\n${block}`, 0)
    let text = `${pick(STARTS)}\r\n${block}`
    for (let i = Math.floor(random() * 4); i > 0; i--) text = pick(mutators)(text)
    const found = fresh().recognise(text + SENTINEL, 0)
    const difference =
      differenceAfter(experienced, found, text + SENTINEL) ??
      (found.kind === 'request' ? compare(found, text + SENTINEL) : null)
    if (found.kind === 'request') accepted++
    if (difference === null) continue
    different++
    if (different <= 5) differences.push(`${difference}: ${JSON.stringify(text)}`)
  }
  t.same(differences, [])
  t.ok(accepted > MUTATIONS / 20, `${accepted} were accepted`)
  t.comment(`${accepted} of ${MUTATIONS} accepted, ${different} differences, seed ${SEED}`)
})

function fresh(): Recogniser {
  return new Recogniser(() => ID)
}

/** What a recogniser that remembers reads otherwise than one that has seen nothing; null: nothing. */
function differenceAfter(experienced: Recogniser, found: Recognised, text: string): string | null {
  const again = experienced.recognise(text, 0)
  return flat(again) === flat(found) ? null : 'remembered otherwise'
}

function flat(found: Recognised): string {
  if (found.kind !== 'request') return found.kind
  const { method, url, httpVersion, rawHeaders } = found.raw
  const { notes: _, ...head } = found.head
  return JSON.stringify([method, url, httpVersion, rawHeaders, head, found.end])
}

/** What Node reads otherwise; null: nothing. */
function compare(found: Extract<Recognised, { kind: 'request' }>, text: string) {
  const method = METHODS.includes(found.raw.method) ? found.raw.method : STAND_IN
  const head = method + text.slice(found.raw.method.length, found.end)
  const messages = parseByNode(Buffer.from(head + SENTINEL, 'latin1'))
  if (messages === null) return 'Node objects'
  const [message, sentinel] = messages
  if (messages.length !== 2 || message === undefined || sentinel?.url !== '/sentinel')
    return 'boundary'
  if (message.method !== method) return 'method'
  if (message.url !== found.raw.url) return 'target'
  if (message.major !== 1 || message.minor !== 1) return 'version'
  if (message.upgrade || !message.keepAlive) return 'connection'
  if (JSON.stringify(message.headers) !== JSON.stringify(found.raw.rawHeaders)) return 'headers'
  return null
}

function splice(text: string, at: number, drop: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at + drop)
}

/** One character of `part` is another, that it may have or may not. */
function mutateWithin(text: string, part: string, random: () => number): string {
  const at = text.indexOf(part) + Math.floor(random() * part.length)
  return splice(text, at, 1, 'fF0g-,'.charAt(Math.floor(random() * 6)))
}

function swapCase(text: string, at: number): string {
  const c = text.charAt(at)
  return splice(text, at, 1, c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase())
}

function afterLine(text: string, random: () => number): number {
  const ends = [...text.matchAll(/\r\n/g)].map(({ index }) => index + 2)
  return ends[Math.floor(random() * ends.length)] ?? 0
}

import { headersOf, type WireAnswer } from '../../src/http/answer.ts'

/** Names in lower case; a name that comes twice is joined. */
export function fieldsOf(answer: WireAnswer): Map<string, string> {
  const headers = headersOf(answer)
  const map = new Map<string, string>()
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    const before = map.get(name)
    map.set(name, before === undefined ? value : `${before} | ${value}`)
  }
  return map
}

/** The bytes that go on the wire, read as UTF-8: a short body is latin1 text. */
export function bodyText({ body }: WireAnswer): string {
  return Buffer.isBuffer(body) ? String(body) : Buffer.from(String(body), 'latin1').toString()
}

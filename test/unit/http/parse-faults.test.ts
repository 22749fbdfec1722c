import t from 'tap'
import { problemOfFault } from '../../../src/http/parse-faults.ts'

const packet = (before: string, rest: string) => ({
  rawPacket: Buffer.from(before + rest, 'latin1'),
  bytesParsed: before.length,
})

const CODES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'header_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_INVALID_METHOD: 'malformed_request',
  HPE_INVALID_CONSTANT: 'malformed_request',
  HPE_INVALID_URL: 'malformed_request',
}
for (const [code, problem] of Object.entries(CODES)) {
  t.test(`${code} alone is ${problem}`, async (t) => t.equal(problemOfFault({ code }), problem))
}

t.test(
  'a request line whose method the parser does not know is told apart from noise',
  async (t) => {
    const of = (before: string, rest: string): string =>
      problemOfFault({ code: 'HPE_INVALID_METHOD', ...packet(before, rest) })
    for (const [before, rest] of [
      ['', 'foo / HTTP/1.1\r\n'],
      ['FO', 'O /a HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['{}', 'foo / HTTP/1.0\n'],
      ['GE', ' / HTTP/1.1\r\n'],
      ['', '~ * HTTP/1.1\r\n'],
    ] as const) {
      t.equal(of(before, rest), 'method_not_implemented', before + rest)
    }
    for (const [before, rest] of [
      ['', ' / HTTP/1.1\r\n'],
      ['{}', ' / HTTP/1.1\r\n'],
      ['\x16\x03', '\x01\x02\x00'],
      ['', 'hello world\r\n'],
      ['', 'foo / HTTP/2.0\r\n'],
      ['', 'foo /\xe4 HTTP/1.1\r\n'],
      ['', 'fo\0 / HTTP/1.1\r\n'],
      ['', 'foo / HTTP/1.1'],
      ['', ''],
    ] as const) {
      t.equal(of(before, rest), 'malformed_request', before + rest)
    }
  },
)

t.test('a method of another protocol is not implemented', async (t) => {
  const code = 'HPE_INVALID_CONSTANT'
  const reason = 'Invalid method for HTTP/x.x request'
  t.equal(problemOfFault({ code, reason }), 'method_not_implemented')
})

import t from 'tap'
import { clientAddress, setClientAddress } from '../../../src/lib/client-address.ts'
import { MAX_VARIABLE_BYTES, readProxyHeader } from '../../../src/lib/proxy-protocol.ts'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const PORTS = '01bb1f43'
const IPV4 = `c0000207cb007105${PORTS}`
const IPV6 = `20010db8000000000000000000000007${'0'.repeat(32)}${PORTS}`
const MAPPED = `00000000000000000000ffffc0000207${'0'.repeat(32)}${PORTS}`

function header(command: string, family: string, rest: string, length = rest.length / 2): Buffer {
  const size = length.toString(16).padStart(4, '0')
  return Buffer.from(`${SIGNATURE}${command}${family}${size}${rest}`, 'hex')
}

const READ: Readonly<Record<string, readonly [bytes: Buffer, address: string | null]>> = {
  IPv4: [header('21', '11', IPV4), '192.0.2.7'],
  IPv6: [header('21', '21', IPV6), '2001:db8::7'],
  'IPv4 within IPv6': [header('21', '21', MAPPED), '::ffff:192.0.2.7'],
  'with extensions': [header('21', '11', `${IPV4}030004a9b87e8f`), '192.0.2.7'],
  "the balancer's own": [header('20', '00', ''), null],
  "the balancer's own, with addresses": [header('20', '11', IPV4), null],
  'of no family': [header('21', '00', ''), null],
  'of a Unix socket': [header('21', '31', '00'.repeat(216)), null],
  datagrams: [header('21', '12', IPV4), null],
  longest: [header('21', '11', IPV4 + '00'.repeat(MAX_VARIABLE_BYTES - 12)), '192.0.2.7'],
}
for (const [what, [bytes, address]] of Object.entries(READ)) {
  t.test(`a header is read: ${what}`, async (t) => {
    const found = { kind: 'header', end: bytes.length, address }
    t.strictSame(readProxyHeader(bytes), found)
    const behind = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n')])
    t.strictSame(readProxyHeader(behind), found)
    for (let length = 0; length < bytes.length; length++) {
      t.equal(readProxyHeader(bytes.subarray(0, length)).kind, 'incomplete', `${length}`)
    }
  })
}

const INVALID: Readonly<Record<string, Buffer>> = {
  'plain HTTP': Buffer.from('GET / HTTP/1.1\r\n'),
  'a TLS handshake': Buffer.from('160301', 'hex'),
  'version 1': Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n'),
  'another signature': Buffer.from('0d0a0d0a000d0a515549540b', 'hex'),
  'an empty line': Buffer.from('\r\n\r\nG'),
  'another version': header('11', '11', IPV4),
  'another command': header('22', '11', IPV4),
  'too long': header('21', '11', IPV4, MAX_VARIABLE_BYTES + 1),
  'far too long': header('20', '00', '', 65_535),
  'IPv4 cut off': header('21', '11', IPV4.slice(2)),
  'IPv6 cut off': header('21', '21', IPV4),
}
for (const [what, bytes] of Object.entries(INVALID)) {
  t.test(`a header is invalid: ${what}`, async (t) => {
    t.strictSame(readProxyHeader(bytes), { kind: 'invalid' })
  })
}

t.test('the address of a client is the one named, and else its peer’s', async (t) => {
  const socket = { remoteAddress: '::ffff:127.0.0.1' }
  t.equal(clientAddress(socket), '127.0.0.1')
  t.equal(clientAddress({ remoteAddress: '::1' }), '::1')
  t.equal(clientAddress({ remoteAddress: undefined } as never), null)
  const inner = { remoteAddress: '127.0.0.1' }
  setClientAddress(inner, socket)
  t.equal(clientAddress(inner), '127.0.0.1', 'nothing was named')
  setClientAddress(socket, '::ffff:192.0.2.7')
  setClientAddress(inner, socket)
  t.equal(clientAddress(inner), '192.0.2.7')
})

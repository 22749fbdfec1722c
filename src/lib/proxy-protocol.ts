/**
 * Version 2 of the PROXY protocol, as HAProxy has published it: what a balancer sends before anything else on a connection
 * that it passes on byte by byte. Pure.
 *
 * ```
 *   0  12  0D 0A 0D 0A 00 0D 0A 51 55 49 54 0A
 *   12  1  version (2) and command: 0 LOCAL, the balancer's own connection; 1 PROXY
 *   13  1  address family (1 IPv4, 2 IPv6) and transport (1 stream)
 *   14  2  length of what follows, big-endian
 *   16  -  source address, destination address, source port, destination port; then extensions, which are skipped
 * ```
 */
import { SocketAddress } from 'node:net'

export type ProxyHeader =
  /** May become one with more bytes. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid' }
  | {
      readonly kind: 'header'
      /** Where the client's own bytes begin. */
      readonly end: number
      /** Of the client; null: the header names none, and the peer is the client. */
      readonly address: string | null
    }

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16
/** Addresses and extensions: several times what balancers send. */
export const MAX_VARIABLE_BYTES = 2_048

const INCOMPLETE = { kind: 'incomplete' } as const satisfies ProxyHeader
const INVALID = { kind: 'invalid' } as const satisfies ProxyHeader
const LOCAL = 0x20
const PROXY = 0x21
const IPV4_STREAM = 0x11
const IPV6_STREAM = 0x21

/** @param bytes all that was received on the connection */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const begun = Math.min(bytes.length, SIGNATURE.length)
  if (bytes.compare(SIGNATURE, 0, begun, 0, begun) !== 0) return INVALID
  if (bytes.length < FIXED_BYTES) return INCOMPLETE
  const command = bytes.readUInt8(12)
  const length = bytes.readUInt16BE(14)
  // guard: proxy-header-length
  if ((command !== LOCAL && command !== PROXY) || length > MAX_VARIABLE_BYTES) return INVALID
  const end = FIXED_BYTES + length
  if (bytes.length < end) return INCOMPLETE
  const address = command === LOCAL ? null : sourceOf(bytes.readUInt8(13), bytes.subarray(16, end))
  return address === undefined ? INVALID : { kind: 'header', end, address }
}

/** Null: of another family. Undefined: it is not all there. */
function sourceOf(family: number, addresses: Buffer): string | null | undefined {
  if (family === IPV4_STREAM) {
    return addresses.length < 12 ? undefined : addresses.subarray(0, 4).join('.')
  }
  if (family === IPV6_STREAM) return addresses.length < 36 ? undefined : ipv6(addresses)
  return null
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

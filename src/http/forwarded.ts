/**
 * Who is asking, told to the API (RFC 7239, and the fields before it) on what passes through. What a client says of this
 * itself is only believed of addresses in `server.trustProxy`, as far back as those reach. Never part of a fill.
 */
import { isIP, type Socket } from 'node:net'
import { all, compile } from '@fastify/proxy-addr'
import { clientAddress } from '../lib/client-address.ts'

export type ForwardedMode = 'off' | 'x-forwarded' | 'forwarded'

/** The other side of a client's connection. */
export interface Peer {
  /** Null: it has gone. */
  readonly address: string | null
  readonly isSecure: boolean
}

/** @returns names and values in turn, to be added to what goes to the API */
export type Forwarding = (rawHeaders: readonly string[], peer: Peer) => string[]

/** Longer lists are not continued. */
const MAX_LIST_LENGTH = 2_048
const HOST = /^(?:[a-z0-9._~-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i
/** Without escapes, so that a quote is always a quote. */
const LIST = /^[\t\x20-\x5b\x5d-\x7e]*$/

export function peerOf(socket: Socket): Peer {
  return { address: clientAddress(socket), isSecure: 'encrypted' in socket }
}

/** @param trusted addresses, networks, or names of ranges, as `@fastify/proxy-addr` has them */
export function forwardingBy(mode: ForwardedMode, trusted: readonly string[]): Forwarding {
  if (mode === 'off') return () => []
  const isTrusted = compile([...trusted])
  return (rawHeaders, peer) => {
    // guard: trusted-proxies
    const isProxy = peer.address !== null && isTrusted(peer.address, 0)
    const own = { peer, host: lastOf(rawHeaders, 'host'), isProxy, isTrusted }
    return mode === 'forwarded' ? forwarded(rawHeaders, own) : xForwarded(rawHeaders, own)
  }
}

interface Own {
  readonly peer: Peer
  readonly host: string
  readonly isProxy: boolean
  readonly isTrusted: (address: string, index: number) => boolean
}

function xForwarded(rawHeaders: readonly string[], own: Own): string[] {
  const { peer, isProxy } = own
  const proto = isProxy ? lastOf(rawHeaders, 'x-forwarded-proto').toLowerCase() : ''
  const named = isProxy ? lastOf(rawHeaders, 'x-forwarded-host') : ''
  const host = HOST.test(named) ? named : own.host
  return [
    'x-forwarded-for',
    addresses(rawHeaders, own).join(', '),
    'x-forwarded-proto',
    proto === 'http' || proto === 'https' ? proto : protoOf(peer),
    ...(HOST.test(host) ? ['x-forwarded-host', host] : []),
  ]
}

/** From the one that is farthest away and still named by somebody trusted. */
function addresses(rawHeaders: readonly string[], { peer, isProxy, isTrusted }: Own): string[] {
  if (peer.address === null) return ['unknown']
  const list = isProxy ? joined(rawHeaders, 'x-forwarded-for') : ''
  if (list === '' || list.length > MAX_LIST_LENGTH) return [peer.address]
  const request = { headers: { 'x-forwarded-for': list }, socket: { remoteAddress: peer.address } }
  const chain = all(request as never, isTrusted)
  return chain.filter((address) => isIP(address) !== 0).reverse()
}

function forwarded(rawHeaders: readonly string[], { peer, host, isProxy }: Own): string[] {
  const { address } = peer
  const node = address === null ? 'unknown' : isIP(address) === 6 ? `"[${address}]"` : address
  const named = HOST.test(host) ? `;host="${host}"` : ''
  const element = `for=${node}${named};proto=${protoOf(peer)}`
  const list = isProxy ? joined(rawHeaders, 'forwarded') : ''
  const isSound = LIST.test(list) && list.split('"').length % 2 === 1
  const isContinued = list !== '' && list.length <= MAX_LIST_LENGTH && isSound
  return ['forwarded', isContinued ? `${list}, ${element}` : element]
}

function protoOf({ isSecure }: Peer): string {
  return isSecure ? 'https' : 'http'
}

function joined(rawHeaders: readonly string[], name: string): string {
  const values: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if ((rawHeaders[i] as string).toLowerCase() === name) values.push(rawHeaders[i + 1] as string)
  }
  return values.join(', ')
}

/** The last of a list is what the peer itself has seen. */
function lastOf(rawHeaders: readonly string[], name: string): string {
  const list = joined(rawHeaders, name)
  return list.slice(list.lastIndexOf(',') + 1).trim()
}

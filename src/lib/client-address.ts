/**
 * The address of the client of a connection, as whoever forwards or logs it is to have it: the one that a trusted balancer
 * has named for the connection, and else the peer's.
 */
import type { Socket } from 'node:net'

const kClientAddress = Symbol('client address')

type Named = Pick<Socket, 'remoteAddress'> & { [kClientAddress]?: string }

/** An IP address without port, an IPv4 one within IPv6 as IPv4; null: the connection has none, or has ended. */
export function clientAddress(socket: Pick<Socket, 'remoteAddress'>): string | null {
  const address = (socket as Named)[kClientAddress] ?? socket.remoteAddress ?? null
  return address?.startsWith('::ffff:') === true ? address.slice('::ffff:'.length) : address
}

/** From here on `address` is the client's address of the connection. */
export function setClientAddress(socket: Pick<Socket, 'remoteAddress'>, address: string): void {
  ;(socket as Named)[kClientAddress] = address
}

/**
 * The address of the client of a connection, as whoever forwards or logs it is to have it: the one that a balancer has
 * named by the PROXY protocol, where that is configured, and else the peer's.
 */
import type { Socket } from 'node:net'

const kClientAddress = Symbol('client address')

type Addressed = Pick<Socket, 'remoteAddress'>
type Named = Addressed & { [kClientAddress]?: string }

/** An IP address without port, an IPv4 one within IPv6 as IPv4; null: the connection has none, or has ended. */
export function clientAddress(socket: Addressed): string | null {
  const address = (socket as Named)[kClientAddress] ?? socket.remoteAddress ?? null
  return address === null ? null : address.replace(/^::ffff:(?=[0-9.]+$)/i, '')
}

/** @param client an address, or the connection which this one lies in */
export function setClientAddress(socket: Addressed, client: string | Addressed): void {
  const address = typeof client === 'string' ? client : (client as Named)[kClientAddress]
  if (address !== undefined) (socket as Named)[kClientAddress] = address
}

/** What the API's certificate says of itself. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** When it expires: milliseconds since 1970-01-01 UTC; null: the connection has none. @param socket after its handshake */
export function certificateExpiry(socket: Socket): number | null {
  if (!(socket instanceof TLSSocket)) return null
  const expiresAt = Date.parse(socket.getPeerCertificate().valid_to)
  return Number.isNaN(expiresAt) ? null : expiresAt
}

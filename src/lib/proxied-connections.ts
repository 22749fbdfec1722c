/**
 * Connections that a balancer passes on byte by byte, each with a header of the PROXY protocol before all else, TLS
 * included: it is read before anybody else gets the connection, and names the client. Without one a connection is closed.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import { setClientAddress } from './client-address.ts'
import { acceptFirst } from './http-server.ts'
import { readProxyHeader } from './proxy-protocol.ts'

/** A balancer sends the header at once. */
const HEADER_MS = 5_000

/** @param server not listening yet, with all listeners that its connections are to have */
export function expectProxyHeaders(server: Server): void {
  const isTls = server instanceof TlsServer
  const giveOn = acceptFirst(server, 'connection', (socket) => {
    readHeader(socket, (address) => {
      if (address !== null) setClientAddress(socket, address)
      giveOn(socket)
      // TLS reads by itself what has come already.
      if (!isTls) socket.resume()
    })
  })
  if (isTls) {
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      const { _parent: raw } = socket as TLSSocket & { readonly _parent?: Socket }
      if (raw !== undefined) setClientAddress(socket, raw)
    })
  }
}

/** @param then gets the connection, paused, with what came behind the header still to be read */
function readHeader(socket: Socket, then: (address: string | null) => void): void {
  let bytes = Buffer.alloc(0)
  const close = (): void => void socket.destroy()
  // guard: proxy-header-time
  const timer = setTimeout(close, HEADER_MS)
  const stop = (): void => {
    clearTimeout(timer)
    socket.off('data', onData).off('end', close).off('close', stop)
  }
  const onData = (piece: Buffer): void => {
    bytes = Buffer.concat([bytes, piece])
    const read = readProxyHeader(bytes)
    if (read.kind === 'incomplete') return
    stop()
    // guard: proxy-header-required
    if (read.kind === 'invalid') {
      close()
      return
    }
    socket.pause()
    if (read.end < bytes.length) socket.unshift(bytes.subarray(read.end))
    then(read.address)
  }
  socket.on('data', onData).on('end', close).on('close', stop)
}

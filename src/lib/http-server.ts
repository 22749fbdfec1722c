/**
 * Node's HTTP servers, as every listener gets them: the one place where they are made. An `error` event that has no
 * listener ends the process, and Node's server takes its own listener off a socket before it emits `connect` or
 * `upgrade`. So every socket that is accepted, and the TLS socket on top of it, gets a listener that stays for as long
 * as the socket lives, before anything else sees the socket.
 */
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type TlsOptions, Server as TlsServer } from 'node:tls'

/** @param tls null: plain HTTP */
export function createHttpServer(
  settings: ServerOptions,
  tls: TlsOptions | null,
  handle: RequestListener,
): Server {
  const server =
    tls === null
      ? createServer(settings, handle)
      : createTlsServer({ ...settings, ...tls, minVersion: 'TLSv1.2' }, handle)
  server.prependListener('connection', keepErrorListener)
  if (tls !== null) server.prependListener('secureConnection', keepErrorListener)
  // A connection that can't be accepted (no file descriptor, no memory) is an error of the server. It costs that
  // connection; whoever listens hears of errors of listening in addition.
  server.on('error', ignore)
  return server
}

/** The event by which a server gets the sockets that HTTP is read from; a TLS server's `connection` is the handshake. */
function socketEvent(server: Server): 'connection' | 'secureConnection' {
  return server instanceof TlsServer ? 'secureConnection' : 'connection'
}

/**
 * Puts another reader of HTTP before Node's.
 *
 * @param accept gets each socket that comes in; it has its error listener already
 * @returns gives a socket to Node's server for good
 */
export function acceptBefore(
  server: Server,
  accept: (socket: Socket) => void,
): (socket: Socket) => void {
  const event = socketEvent(server)
  const listeners = server.listeners(event) as ((socket: Socket) => void)[]
  const own = listeners.filter((listener) => listener !== keepErrorListener)
  for (const listener of own) server.off(event, listener)
  server.on(event, accept)
  return (socket) => {
    for (const listener of own) listener.call(server, socket)
  }
}

/** Node destroys a socket that fails; its `close` event is what the rest goes by. */
function keepErrorListener(socket: Socket): void {
  socket.on('error', ignore)
}

function ignore(): void {}

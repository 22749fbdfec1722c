/**
 * The second front end: stands where connections come in, answers what it recognises, and gives the rest
 * to Node's HTTP server, which listens.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { type ConnectionDependencies, WireConnection } from './connection.ts'
import { IdleWatch } from './idle.ts'
import { Output } from './output.ts'
import { Trailing } from './text.ts'

export type WireDependencies = Omit<
  ConnectionDependencies,
  'trailing' | 'output' | 'handOver' | 'keepAliveTimeoutMs' | 'idle'
> & {
  readonly reporter: { handedOver(): void }
}

export interface WireFrontEnd {
  /** Ends the connections on which nothing is under way. */
  endIdle(): void
}

/** @param server not listening yet; its connections are taken from it, and given to it where that is called for */
export function placeBefore(server: Server, dependencies: WireDependencies): WireFrontEnd {
  // A TLS server's `connection` is the handshake.
  const event = server instanceof TlsServer ? 'secureConnection' : 'connection'
  const accept = server.listeners(event) as ((socket: Socket) => void)[]
  server.removeAllListeners(event)
  const { keepAliveTimeout } = server
  const idle = new IdleWatch(keepAliveTimeout)
  server.once('close', () => idle.stop())
  const deps: ConnectionDependencies = {
    ...dependencies,
    keepAliveTimeoutMs: keepAliveTimeout,
    idle,
    output: new Output(),
    trailing: new Trailing(dependencies.clock, keepAliveTimeout),
    handOver: (socket) => {
      dependencies.reporter.handedOver()
      for (const listener of accept) listener.call(server, socket)
    },
  }
  server.on(event, (socket: Socket) => {
    const connection = new WireConnection(socket, deps)
    idle.add(connection)
    socket.once('close', () => idle.delete(connection))
  })
  return { endIdle: () => idle.endAll() }
}

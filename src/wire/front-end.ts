/**
 * The second front end: stands where connections come in, answers what it recognises, and gives the rest
 * to Node's HTTP server, which listens.
 */
import type { Server } from 'node:http'
import { acceptBefore } from '../lib/http-server.ts'
import { type ConnectionDependencies, WireConnection } from './connection.ts'
import { IdleWatch } from './idle.ts'
import { Output } from './output.ts'
import { Trailing } from './text.ts'

export type WireDependencies = Omit<
  ConnectionDependencies,
  'trailing' | 'output' | 'handOver' | 'idle'
> & {
  readonly reporter: { handedOver(): void }
}

export interface WireFrontEnd {
  /** Ends the connections on which nothing is under way. */
  endIdle(): void
}

/** @param server not listening yet; its connections are taken from it, and given to it where that is called for */
export function placeBefore(server: Server, dependencies: WireDependencies): WireFrontEnd {
  const { keepAliveTimeout } = server
  const idle = new IdleWatch(keepAliveTimeout)
  server.once('close', () => idle.stop())
  const deps: ConnectionDependencies = {
    ...dependencies,
    idle,
    output: new Output(),
    trailing: new Trailing(dependencies.clock, keepAliveTimeout),
    handOver: (socket) => {
      dependencies.reporter.handedOver()
      giveToNode(socket)
    },
  }
  const giveToNode = acceptBefore(server, (socket) => {
    const connection = new WireConnection(socket, deps)
    idle.add(connection)
    socket.once('close', () => idle.delete(connection))
  })
  return { endIdle: () => idle.endAll() }
}

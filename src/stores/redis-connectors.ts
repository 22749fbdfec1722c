/**
 * How ioredis reaches a server: with the name that it was called by told to TLS, and no further than a replica's
 * `INFO`. ioredis says no name to TLS, and takes whatever answers for a master.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AbstractConnector, SentinelConnector } from 'ioredis'

/** Of TLS; null: none. */
export type TlsOptions = Pick<ConnectionOptions, 'ca'> | null

/**
 * Names only: RFC 6066 section 3 allows no addresses.
 *
 * @param host as the server was called, by the configuration, a Sentinel or the Cluster
 */
export function tlsFor(
  host: string,
  tls: NonNullable<TlsOptions>,
): Pick<ConnectionOptions, 'ca' | 'servername'> {
  // guard: redis-server-name
  const named = isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : {}
  return {
    ...tls,
    // As it is when the connection is made.
    get ca() {
      return tls.ca
    },
    ...named,
  }
}

interface DirectOptions {
  readonly host: string
  readonly port: number
  readonly disconnectTimeout: number
  readonly tls?: NonNullable<TlsOptions>
}

const isReplica = ({ role }: { readonly role?: string }): boolean => role === 'slave'

/** @param onReplica the server answers, and is no master */
export function directConnector(onReplica: () => void) {
  return class DirectConnector extends AbstractConnector {
    readonly #options: DirectOptions

    constructor(options: unknown) {
      super((options as DirectOptions).disconnectTimeout)
      this.#options = options as DirectOptions
    }

    /** False: the connection is ended before a command is sent on it, and made anew after a pause. */
    override check(info: { readonly role?: string }): boolean {
      if (isReplica(info)) onReplica()
      // guard: redis-replica
      return !isReplica(info)
    }

    override connect(): Promise<Socket> {
      const { host, port, tls } = this.#options
      this.connecting = true
      return new Promise((resolve, reject) => {
        // As ioredis has it: whoever disconnects in this turn of the event loop makes no connection.
        process.nextTick(() => {
          if (!this.connecting) return reject(new Error('Connection is closed.'))
          const stream =
            tls === undefined
              ? connectPlain({ host, port })
              : connectTls({ host, port, ...tlsFor(host, tls) })
          stream.once('error', (error: Error) => {
            this.firstError = error
          })
          this.stream = stream
          resolve(stream)
        })
      })
    }
  }
}

interface Endpoint {
  readonly host: string
}

/** What of ioredis's class is private, and has to be told the name of each Sentinel. */
interface SentinelClients {
  connectToSentinel(endpoint: Endpoint, options?: object): unknown
}

/** @param onReplica what the Sentinels call the master is none, or no longer */
export function sentinelConnector(tls: TlsOptions, onReplica: () => void) {
  return class NamingSentinelConnector extends SentinelConnector {
    constructor(options: unknown) {
      super(options as ConstructorParameters<typeof SentinelConnector>[0])
      if (tls === null) return
      const clients = this as unknown as SentinelClients
      const connectTo = clients.connectToSentinel.bind(this)
      clients.connectToSentinel = (endpoint, options) =>
        connectTo(endpoint, { ...options, tls: tlsFor(endpoint.host, tls) })
    }

    override check(info: { role?: string }): boolean {
      if (isReplica(info)) onReplica()
      return super.check(info)
    }
  }
}

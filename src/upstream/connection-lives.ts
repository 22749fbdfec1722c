/**
 * Connections to the upstream have a life: one that is kept busy would otherwise lead to the same address for as long as
 * there is traffic, also when the upstream's name has long led elsewhere. At the end of its life a connection finishes
 * the request that is under way on it, and is closed before it gets another:
 *
 * 1. its time is over, or its address no longer belongs to the name;
 * 2. nothing is under way on it: it is closed. What its client holds by then, and has not written, goes by a new one;
 * 3. or a request is under way: its client says so when it has room for another (`drain`), before the pool gives it one.
 */
import type { Socket } from 'node:net'
import { type buildConnector, Client } from 'undici'

export interface LifeOptions {
  /** Milliseconds; 0: without end. */
  readonly lifeMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Lives are up to so much shorter, so that connections that were made together do not end together. */
const SPREAD = 0.2
/** A name may have more addresses than one answer tells: one that is missing once has not gone. */
const ABSENCES = 2

interface Life {
  readonly client: Client
  readonly socket: Socket
  isOver: boolean
  /** Answers in a row that did not have its address. */
  absences: number
}

export class ConnectionLives {
  readonly #options: LifeOptions
  readonly #lives = new Map<Client, Life>()

  constructor(options: LifeOptions) {
    this.#options = options
  }

  get isEmpty(): boolean {
    return this.#lives.size === 0
  }

  /** Makes the clients of a pool, which have one connection each. */
  readonly newClient = (origin: URL, options: object): Client => {
    const { connect } = options as { readonly connect: buildConnector.connector }
    const client: Client = new Client(origin, {
      ...options,
      connect: (target, done) =>
        connect(target, (...[error, socket]) => {
          if (error !== null) return done(error, null)
          this.#begin(client, socket)
          done(null, socket)
        }),
    })
    client.on('drain', () => {
      const life = this.#lives.get(client)
      if (life?.isOver === true) closeIfIdle(life)
    })
    return client
  }

  /** Ends all that there are. */
  endAll(): void {
    for (const life of this.#lives.values()) end(life)
  }

  /** The upstream's name has these addresses now. */
  resolved(addresses: ReadonlySet<string>): void {
    for (const life of this.#lives.values()) {
      const isKnown = addresses.has(life.socket.remoteAddress ?? '')
      life.absences = isKnown ? 0 : life.absences + 1
      // guard: moved-address
      if (life.absences >= ABSENCES) end(life)
    }
  }

  #begin(client: Client, socket: Socket): void {
    const { lifeMs, random } = this.#options
    const life: Life = { client, socket, isOver: false, absences: 0 }
    this.#lives.set(client, life)
    const timer = lifeMs === 0 ? undefined : setTimeout(end, lifeMs * (1 - SPREAD * random()), life)
    timer?.unref()
    socket.once('close', () => {
      clearTimeout(timer)
      if (this.#lives.get(client) === life) this.#lives.delete(client)
    })
  }
}

function end(life: Life): void {
  life.isOver = true
  closeIfIdle(life)
}

function closeIfIdle({ client, socket }: Life): void {
  // guard: finished-before-closed
  if (client.stats.running === 0) socket.destroy()
}

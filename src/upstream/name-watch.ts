/**
 * Looks the upstream's name up every few seconds while there are connections to it, so that they follow the name within
 * moments, and not at the end of their lives. A look-up that fails says nothing of them.
 */
import dns from 'node:dns'
import { isIP } from 'node:net'
import type { ConnectionLives } from './connection-lives.ts'

export class NameWatch {
  readonly #host: string
  readonly #lives: Pick<ConnectionLives, 'isEmpty' | 'resolved'>
  readonly #timer: NodeJS.Timeout | undefined
  #isAsking = false

  /**
   * @param host as a URL has it; an address is not looked up
   * @param everyMs 0: never
   */
  constructor(host: string, everyMs: number, lives: Pick<ConnectionLives, 'isEmpty' | 'resolved'>) {
    this.#host = host
    this.#lives = lives
    const isAddress = isIP(host) !== 0 || host.startsWith('[')
    if (everyMs > 0 && !isAddress) {
      this.#timer = setInterval(() => this.look(), everyMs)
      this.#timer.unref()
    }
  }

  look(): void {
    if (this.#isAsking || this.#lives.isEmpty) return
    this.#isAsking = true
    dns.lookup(this.#host, { all: true }, (error, found) => {
      this.#isAsking = false
      if (error === null) this.#lives.resolved(new Set(found.map(({ address }) => address)))
    })
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

/**
 * Who may use the admin API: whoever sends the operator's token. Compared as hashes, which have one length, in
 * constant time: how long a refusal takes tells nothing of the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'

export type Admittance = 'admitted' | 'missing_credentials' | 'invalid_credentials'

/** So many refusals a second are logged one by one; of the rest there is a count. */
const LOGGED_A_SECOND = 3
const SECOND_MS = 1_000

export class AdminGate {
  readonly #expected: Buffer
  readonly #clock: Clock
  #secondStartedAt = Number.NEGATIVE_INFINITY
  #inSecond = 0
  #unlogged = 0

  constructor(token: string, clock: Clock) {
    this.#expected = hashOf(token)
    this.#clock = clock
  }

  /** @param authorization the header as it came */
  judge(authorization: string | undefined): Admittance {
    if (authorization === undefined) return 'missing_credentials'
    const [, token] = /^bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? []
    // What is no bearer token is compared too: one way, one time.
    const isSame = timingSafeEqual(hashOf(token ?? ''), this.#expected)
    // guard: admin-token
    return isSame && token !== undefined ? 'admitted' : 'invalid_credentials'
  }

  /**
   * To be asked once for each refusal. Null: too many of late, it is to be logged with a later one.
   *
   * @returns how many went unlogged since the last one that was logged
   */
  refused(): number | null {
    const now = this.#clock.monotonic()
    if (now - this.#secondStartedAt >= SECOND_MS) {
      this.#secondStartedAt = now
      this.#inSecond = 0
    }
    if (this.#inSecond >= LOGGED_A_SECOND) {
      this.#unlogged++
      return null
    }
    this.#inSecond++
    const unlogged = this.#unlogged
    this.#unlogged = 0
    return unlogged
  }
}

/** Whether a request brings the operator's token, where it is not asked for one. @param token null: there is none */
export function operatorCheck(
  token: string | null,
  clock: Clock,
): (authorization: string | undefined) => boolean {
  if (token === null) return () => false
  const gate = new AdminGate(token, clock)
  return (authorization) => gate.judge(authorization) === 'admitted'
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

/**
 * The second tier: grants, admissions and representations in Redis, each sealed (design section 3, "At rest").
 *
 * A read takes two round trips: what this credential was given, with the fences; then the bytes that the
 * grant names, whose place can't be known before. Whatever is not exactly what was stored under its own key
 * is a miss, is removed, and counted.
 */

import { type Frame, isFramed, open, seal } from '../cache/frame.ts'
import { credentialFence, type Key, representationKey } from '../cache/key.ts'
import type { TierCredential, TierEntry, TierFound, TierQuery, TierRead } from '../cache/ports.ts'
import type { Representation } from '../cache/records.ts'
import type { Clock } from '../lib/clock.ts'
import { deriveKey } from '../lib/derive-key.ts'
import { CredentialReads } from './credential-reads.ts'
import { REMOVE } from './fence-scripts.ts'
import type { FenceTable } from './fence-table.ts'
import { newValue, PROVISIONAL_FENCE_MS } from './fence-value.ts'
import { readFenced } from './fenced-read.ts'
import {
  admissionFrame,
  admissionOf,
  type FoundGrant,
  grantFrame,
  grantOf,
  momentOf,
  representationFrame,
  representationOf,
  type Sighting,
} from './record-frames.ts'
import type { RedisCommands } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'
import { PUT, READ_REPRESENTATION, READ_STANDING, STORE } from './redis-scripts.ts'
import type { TierTrust } from './tier-trust.ts'
import { type AskedTurn, TURN_MS, type Turns } from './turns.ts'

/** Grants and admissions are a few hundred bytes. */
export const MAX_STANDING_BYTES = 16_384
/** Room for a representation's headers beside its body. */
export const MAX_HEAD_BYTES = 65_536
/** Marks a representation that was overtaken, for as long as a fill from before may still arrive. */
const SUPERSEDED_MARK = 'S'
const SUPERSEDED_MS = 15_000

/**
 * A value that was not what was stored under its key.
 * - `envelope`: too long, no string, or no frame of this version;
 * - `seal`: sealed with another key, for another place, or changed;
 * - `time`: sealed when it can't have been, and put back, unless clocks are wrong.
 */
export type Mismatch = 'envelope' | 'seal' | 'time'

export interface RedisTierOptions {
  readonly commands: RedisCommands
  readonly keys: RedisKeys
  readonly table: FenceTable
  readonly trust: TierTrust
  readonly turns: Pick<Turns, 'ask' | 'answered' | 'cancel'>
  readonly clock: Clock
  /** The one that seals first, then those that still open. */
  readonly secrets: readonly string[]
  readonly fenceLifetimeMs: number
  readonly maxBodyBytes: number
  readonly onMismatch: (kind: Mismatch) => void
}

export class RedisTier {
  readonly #options: RedisTierOptions
  readonly #credentials: CredentialReads

  constructor(options: RedisTierOptions) {
    this.#options = options
    this.#credentials = new CredentialReads(options)
  }

  get isUsable(): boolean {
    return this.#options.commands.isUsable && this.#options.trust.isTrusted()
  }

  /** @param turn to be taken, if this credential has no grant; null: none is */
  async read(query: TierQuery, turn: Key | null): Promise<TierRead> {
    if (!this.isUsable) return { found: null, turn: null }
    const { secrets, turns } = this.#options
    const asked = turn === null ? null : turns.ask(query.tenant, turn)
    const known = query.credentials.slice(0, secrets.length)
    let found: TierFound | null = null
    let isTaken: boolean | null | undefined
    for (const [i, credential] of known.entries()) {
      const own = i === known.length - 1 ? asked : null
      ;({ found, isTaken } = await this.#readAs(
        query,
        credential,
        secrets[i] as string,
        i > 0,
        own,
      ))
      if (found === null || found.grant !== null) break
    }
    if (asked !== null && isTaken !== undefined) {
      return { found, turn: turns.answered(asked, isTaken) }
    }
    if (asked !== null) turns.cancel(asked)
    return { found, turn: null }
  }

  /** Stores what a fill has brought, if no fence has changed since it began. False: it was not stored. */
  async keep(entry: TierEntry): Promise<boolean> {
    if (!this.isUsable) return false
    const { commands, keys } = this.#options
    const { grant } = entry
    const fences = grant.stamp.filter(
      ([name]) => name !== credentialFence(entry.credential.partition),
    )
    const records = this.#sealed(entry)
    const reply = await commands.run(
      STORE,
      [...fences.map(([name]) => keys.fence(name)), ...records.map(({ key }) => key)],
      [
        fences.length,
        this.#options.fenceLifetimeMs,
        ...fences.map(([, value]) => value),
        ...records.flatMap(({ bytes, keptMs }) => [bytes, keptMs]),
      ],
    )
    const { pinnedVersion, credential } = entry
    if (pinnedVersion !== null) {
      const pin = keys.pin(credential.partition)
      await commands.run(PUT, [pin], [pinnedVersion, this.#options.fenceLifetimeMs])
    }
    return reply.ok && reply.value === 1
  }

  /** The bytes are no longer current: nobody is to be given them from here, nor is a late fill to bring them back. */
  supersede(tenant: string, representation: Key): void {
    const { commands, keys, secrets } = this.#options
    for (const secret of secrets) {
      const key = keys.record(secret, tenant, representation)
      void commands.run(PUT, [key], [SUPERSEDED_MARK, SUPERSEDED_MS])
    }
  }

  /** False: Redis has not taken them out. */
  async withdraw(tenant: string, grants: readonly Key[]): Promise<boolean> {
    const { commands, keys, secrets } = this.#options
    const secret = secrets[0] as string
    const places = grants.map((grant) => keys.record(secret, tenant, grant))
    return (await commands.run(REMOVE, places, [])).ok
  }

  #sealed({ tenant, viewKey, credential, grant, admission, representation }: TierEntry): Sealed[] {
    const { keys, secrets, clock } = this.#options
    const secret = secrets[0] as string
    const now = momentOf(clock)
    const { digest } = representation
    const place = keys.record(secret, tenant, representationKey(viewKey, credential.scope, digest))
    const frames: [string, Frame, Buffer][] = [
      [keys.record(secret, tenant, credential.grantKey), grantFrame(grant, now), credential.seal],
      [place, representationFrame(representation, now), bodyKey(secret, tenant, digest)],
    ]
    if (admission !== null) {
      const key = keys.record(secret, tenant, credential.admissionKey)
      frames.push([key, admissionFrame(admission, now), credential.seal])
    }
    return frames
      .filter(([, frame]) => frame.keptMs > 0)
      .map(([key, frame, sealingKey]) => ({
        key,
        bytes: seal(frame, sealingKey, key),
        keptMs: frame.keptMs,
      }))
  }

  /** `isTaken` as for `Turns.answered`; undefined: the turn was not asked for. */
  async #readAs(
    query: TierQuery,
    credential: TierCredential,
    secret: string,
    isFormer: boolean,
    turn: AskedTurn | null,
  ): Promise<{ found: TierFound | null; isTaken: boolean | null | undefined }> {
    const { keys } = this.#options
    const { tenant, fences, isProvisional } = query
    const grantAt = keys.record(secret, tenant, credential.grantKey)
    const admissionAt = keys.record(secret, tenant, credential.admissionKey)
    const names = [grantAt, admissionAt, ...fences.map((name) => keys.fence(name))]
    const [{ values, askedAt }, held] = await Promise.all([
      readFenced(this.#options, {
        script: READ_STANDING,
        keys: turn === null ? names : [...names, turn.name],
        args: [
          ...[newValue(), this.#fenceMs(isProvisional), MAX_STANDING_BYTES],
          ...(turn === null ? [] : [turn.who, TURN_MS]),
        ],
        fences,
        after: 4,
      }),
      this.#credentials.read(credential.partition, this.#fenceMs(isProvisional)),
    ])
    const isTaken = turn === null ? undefined : answerOf(values?.at(-1))
    if (values === null || held === null) return { found: null, isTaken }
    const [grantBytes, grantLeft, admissionBytes, admissionLeft] = values
    const grant = this.#opened(grantBytes, credential.seal, grantAt, 'grant')
    const admission = this.#opened(admissionBytes, credential.seal, admissionAt, 'admission')
    const named = grant && this.#timed(grantOf(grant, this.#seen(askedAt, grantLeft)))
    const found: TierFound = {
      grant: named,
      admission:
        admission && this.#timed(admissionOf(admission, this.#seen(askedAt, admissionLeft))),
      representation:
        named === null ? null : await this.#readBytes(query, credential, secret, named),
      pinnedVersion: held.pin,
      isFormer,
    }
    return { found, isTaken }
  }

  async #readBytes(
    { tenant, viewKey }: TierQuery,
    { partition, scope }: TierCredential,
    secret: string,
    grant: FoundGrant,
  ): Promise<Representation | null> {
    const { keys, fenceLifetimeMs, maxBodyBytes } = this.#options
    const fences = grant.stamp
      .map(([name]) => name)
      .filter((name) => name !== credentialFence(partition))
    const key = keys.record(secret, tenant, representationKey(viewKey, scope, grant.digest))
    const { values, askedAt } = await readFenced(this.#options, {
      script: READ_REPRESENTATION,
      keys: [key, ...fences.map((name) => keys.fence(name))],
      args: [newValue(), fenceLifetimeMs, maxBodyBytes + MAX_HEAD_BYTES],
      fences,
      after: 2,
    })
    const [bytes, left] = values ?? []
    if (Buffer.isBuffer(bytes) && bytes.toString('latin1') === SUPERSEDED_MARK) return null
    const frame = this.#opened(bytes, bodyKey(secret, tenant, grant.digest), key, 'representation')
    if (frame === null || frame.digest !== grant.digest) return null
    return this.#timed(representationOf(frame, this.#seen(askedAt, left)))
  }

  #seen(askedAt: number, leftMs: unknown): Sighting {
    return { askedAt, wall: this.#options.clock.wall(), leftMs: Number(leftMs) }
  }

  /** A frame that is not of its time is not removed: it may be this instance's clock that is wrong. */
  #timed<R>(record: R | null): R | null {
    if (record === null) this.#options.onMismatch('time')
    return record
  }

  #fenceMs(isProvisional: boolean): number {
    return isProvisional ? PROVISIONAL_FENCE_MS : this.#options.fenceLifetimeMs
  }

  #opened<K extends Frame['kind']>(
    bytes: unknown,
    key: Buffer,
    place: string,
    kind: K,
  ): Extract<Frame, { kind: K }> | null {
    if (!Buffer.isBuffer(bytes) || bytes.length === 0) return null
    if (bytes.length === 3 && bytes.toString('latin1') === 'bad') {
      // Too long, or no string: the script has removed it.
      this.#options.onMismatch('envelope')
      return null
    }
    const frame = open(bytes, key, place)
    if (frame?.kind === kind) return frame as Extract<Frame, { kind: K }>
    this.#options.onMismatch(isFramed(bytes) ? 'seal' : 'envelope')
    void this.#options.commands.run(REMOVE, [place], [])
    return null
  }
}

interface Sealed {
  readonly key: string
  readonly bytes: Buffer
  readonly keptMs: number
}

/** What a script says of a turn; see `Turns.answered`. Undefined: it was not asked for. */
function answerOf(said: unknown): boolean | null | undefined {
  if (said === 1) return true
  if (said === 0) return false
  return said === undefined ? null : undefined
}

/** Whoever was given the digest can read the bytes; whoever was not can't even find them. */
export function bodyKey(secret: string, tenant: string, digest: string): Buffer {
  return deriveKey(secret, 'representation', tenant, digest)
}

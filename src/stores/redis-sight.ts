/**
 * The second tier as one sees it who only looks (docs/explain.md): what `RedisTier.read` would find, with nothing
 * created, removed or learnt on the way. Each part is one look of its own; between two of them things may change.
 */
import { type Frame, open } from '../cache/frame.ts'
import { credentialFence, type Key, representationKey } from '../cache/key.ts'
import type { TierCredential, TierFound, TierGlance, TierQuery, TierSight } from '../cache/ports.ts'
import { admissionOf, type FoundGrant, grantOf, representationOf } from './record-frames.ts'
import type { Reply } from './redis-commands.ts'
import { LOOK } from './redis-scripts.ts'
import { bodyKey, MAX_HEAD_BYTES, MAX_STANDING_BYTES, type RedisTierOptions } from './redis-tier.ts'

/** Before the ids of writes under way, in a fence's value. */
const PENDING_MARK = '!'

export type RedisSightOptions = Pick<
  RedisTierOptions,
  'commands' | 'keys' | 'trust' | 'clock' | 'secrets' | 'maxBodyBytes'
>

interface Seen {
  readonly bytes: Buffer | null
  readonly leftMs: number
}

type Fences = Map<Key, { readonly value: string; readonly isPending: boolean } | null>

export class RedisSight implements TierSight {
  readonly #options: RedisSightOptions

  constructor(options: RedisSightOptions) {
    this.#options = options
  }

  get isUsable(): boolean {
    return this.#options.commands.isUsable && this.#options.trust.isTrusted()
  }

  async glance(query: TierQuery, canOpen: boolean): Promise<TierGlance | null> {
    if (!this.isUsable) return null
    let glance: TierGlance | null = null
    for (const [i, credential] of query.credentials.entries()) {
      const secret = this.#options.secrets[i]
      if (secret === undefined) break
      glance = await this.#glanceAs(query, credential, secret, canOpen, i > 0)
      if (glance === null || glance.hasGrant) break
    }
    return glance
  }

  async isTurnTaken(tenant: string, key: Key): Promise<boolean> {
    const [turn] = (await this.#look([this.#options.keys.turn(tenant, key)])) ?? []
    return turn !== undefined && turn.bytes !== null
  }

  async #glanceAs(
    query: TierQuery,
    credential: TierCredential,
    secret: string,
    canOpen: boolean,
    isFormer: boolean,
  ): Promise<TierGlance | null> {
    const { keys, clock } = this.#options
    const { tenant, fences: names } = query
    const own = credentialFence(credential.partition)
    const grantAt = keys.record(secret, tenant, credential.grantKey)
    const admissionAt = keys.record(secret, tenant, credential.admissionKey)
    const askedAt = clock.monotonic()
    const [standing, held] = await Promise.all([
      this.#look([grantAt, admissionAt, ...names.map((name) => keys.fence(name))]),
      this.#look([keys.fence(own), keys.pin(credential.partition)]),
    ])
    if (standing === null || held === null) return null
    const [sealedGrant = NOTHING, sealedAdmission = NOTHING, ...values] = standing
    const [ownFence = NOTHING, pin = NOTHING] = held
    const fences: Fences = new Map([[own, fenceOf(ownFence)]])
    for (const [i, name] of names.entries()) fences.set(name, fenceOf(values[i] ?? NOTHING))
    const has = {
      hasGrant: sealedGrant.bytes !== null,
      hasAdmission: sealedAdmission.bytes !== null,
      fences,
    }
    if (!canOpen) return { ...has, found: null }
    const grant = opened(sealedGrant, credential.seal, grantAt, 'grant')
    const admission = opened(sealedAdmission, credential.seal, admissionAt, 'admission')
    const wall = clock.wall()
    const named = grant && grantOf(grant, { askedAt, wall, leftMs: sealedGrant.leftMs })
    const found: TierFound = {
      grant: named,
      admission:
        admission && admissionOf(admission, { askedAt, wall, leftMs: sealedAdmission.leftMs }),
      representation:
        named === null ? null : await this.#bytesOf(query, credential, secret, named, fences),
      pinnedVersion: pin.bytes?.toString() ?? null,
      isFormer,
    }
    return { ...has, found }
  }

  /** The bytes that a grant names, and on the way the fences that it is stamped with. */
  async #bytesOf(
    { tenant, viewKey }: TierQuery,
    { scope }: TierCredential,
    secret: string,
    { digest, stamp }: FoundGrant,
    fences: Fences,
  ): Promise<TierFound['representation']> {
    const { keys, clock, maxBodyBytes } = this.#options
    const names = stamp.map(([name]) => name).filter((name) => !fences.has(name))
    const place = keys.record(secret, tenant, representationKey(viewKey, scope, digest))
    const askedAt = clock.monotonic()
    const looked = await this.#look(
      [place, ...names.map((name) => keys.fence(name))],
      maxBodyBytes + MAX_HEAD_BYTES,
    )
    const [sealed = NOTHING, ...values] = looked ?? []
    for (const [i, name] of names.entries()) fences.set(name, fenceOf(values[i] ?? NOTHING))
    const frame = opened(sealed, bodyKey(secret, tenant, digest), place, 'representation')
    if (frame === null || frame.digest !== digest) return null
    return representationOf(frame, { askedAt, wall: clock.wall(), leftMs: sealed.leftMs })
  }

  /** All keys must be in one slot. Null: Redis does not answer. */
  async #look(
    keys: readonly string[],
    maxBytes = MAX_STANDING_BYTES,
  ): Promise<readonly Seen[] | null> {
    const reply: Reply = await this.#options.commands.run(LOOK, keys, [maxBytes])
    if (!reply.ok || !Array.isArray(reply.value)) return null
    const values: readonly unknown[] = reply.value
    return keys.map((_, i) => {
      const bytes = values[2 * i]
      return { bytes: Buffer.isBuffer(bytes) ? bytes : null, leftMs: Number(values[2 * i + 1]) }
    })
  }
}

const NOTHING: Seen = { bytes: null, leftMs: 0 }

function fenceOf({ bytes }: Seen) {
  if (bytes === null) return null
  const value = bytes.toString()
  return { value, isPending: value.startsWith(PENDING_MARK) }
}

function opened<K extends Frame['kind']>(
  { bytes }: Seen,
  key: Buffer,
  place: string,
  kind: K,
): Extract<Frame, { kind: K }> | null {
  const frame = bytes === null ? null : open(bytes, key, place)
  return frame?.kind === kind ? (frame as Extract<Frame, { kind: K }>) : null
}

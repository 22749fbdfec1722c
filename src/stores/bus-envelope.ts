/**
 * What goes over the bus: JSON, sealed. Opened with the key of an instance it was written by one, of this version or
 * another; whatever it holds, opening it throws nothing, and what is not understood is told apart from what is not ours.
 */
import { openBytes, sealBytes } from '../cache/frame.ts'
import type { Key } from '../cache/key.ts'
import type { PendingState } from './owed-changes.ts'
import { type Switch, switchOf } from './switch-register.ts'

/** What one instance tells the others. Lists of names may be long. */
export interface BusMessage {
  /** Fences that have changed in Redis. */
  readonly forget?: readonly Key[]
  /** Fences that should have changed, and could not be: what Redis holds under them is not to be used. */
  readonly block?: readonly Key[]
  /** Fences of `block` that have been changed by now. */
  readonly unblock?: readonly Key[]
  /** `block` is all that the sender has pending. */
  readonly isAll?: boolean
  /** The id of an instance that is to publish all that it has pending. */
  readonly resend?: string
  /** Representations that were overtaken by other bytes. */
  readonly superseded?: readonly Key[]
  /** Grants that the upstream has ended. */
  readonly withdrawn?: readonly Key[]
  /** Credentials whose version pin has changed, and to what; null: to one that is not known. */
  readonly pins?: readonly (readonly [partition: string, version: string | null])[]
  /** Turns that are over: whoever waited may look into Redis. */
  readonly landed?: readonly string[]
  /** Tenants whose caches were switched off, or on. */
  readonly switched?: readonly Switch[]
  /** Whoever knows of switched tenants is to publish them. */
  readonly asksSwitches?: boolean
  /** Whoever has applied all that came before is to say so, under this name. */
  readonly call?: string
  /** The name of a call, answered. */
  readonly present?: string
}

/** What an instance says of itself with everything that it publishes. */
export interface PeerState {
  /** Its pending invalidations. */
  readonly pending: PendingState
  /** The epoch that it is of; null: it knows none. */
  readonly epoch: string | null
}

export interface Envelope extends Partial<PeerState> {
  readonly sender: string
  readonly number: number
  /** Milliseconds since 1970 by the sender's wall clock. */
  readonly sealedAt: number
  /** See `RedisKeys.fingerprint`. */
  readonly names: string
  /** A probe: the sender's monotonic time, and which of its connections it listened on. */
  readonly probe?: { readonly sentAt: number; readonly connection: number }
  readonly message?: BusMessage
}

/** Longer than any list of names that an instance keeps; what is longer is not opened. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024

export function sealEnvelope(envelope: Envelope, key: Buffer, channel: string): Buffer {
  return sealBytes(Buffer.from(JSON.stringify(envelope)), key, channel)
}

/** `foreign`: not sealed by an instance that has one of the keys. `unknown`: by one, of another version. */
export function openEnvelope(
  bytes: Buffer,
  keys: readonly Buffer[],
  channel: string,
): Envelope | 'foreign' | 'unknown' {
  // guard: bounded-message
  if (bytes.length > MAX_MESSAGE_BYTES) return 'foreign'
  for (const key of keys) {
    const plain = openBytes(bytes, key, channel)
    if (plain !== null) return envelopeOf(plain.toString())
  }
  return 'foreign'
}

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const isFlag: Check = (value) => typeof value === 'boolean'
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const tuple =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i]))
/** Members of other names are of a later version that does without an answer. */
const members =
  (checks: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value) =>
    isObject(value) &&
    required.every((name) => value[name] !== undefined) &&
    Object.entries(checks).every(([name, check]) => value[name] === undefined || check(value[name]))

const names = listOf(isText)

const MESSAGE: Readonly<Record<keyof BusMessage, Check>> = {
  forget: names,
  block: names,
  unblock: names,
  isAll: isFlag,
  resend: isText,
  superseded: names,
  withdrawn: names,
  pins: listOf(tuple(isText, (version) => version === null || isText(version))),
  landed: names,
  switched: listOf((value) => switchOf(value) !== null),
  asksSwitches: isFlag,
  call: isText,
  present: isText,
}

const ENVELOPE: Readonly<Record<keyof Envelope, Check>> = {
  sender: isText,
  number: isNumber,
  sealedAt: isNumber,
  names: isText,
  pending: tuple(isNumber, isNumber),
  epoch: (value) => value === null || isText(value),
  probe: members({ sentAt: isNumber, connection: isNumber }, ['sentAt', 'connection']),
  message: members(MESSAGE),
}

const isEnvelope = members(ENVELOPE, ['sender', 'number', 'sealedAt', 'names'])

function envelopeOf(text: string): Envelope | 'unknown' {
  try {
    const value: unknown = JSON.parse(text)
    // guard: message-shape
    return isEnvelope(value) ? (value as Envelope) : 'unknown'
  } catch {
    return 'unknown'
  }
}

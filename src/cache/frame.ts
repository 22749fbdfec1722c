/**
 * What a record looks like in Redis: a versioned binary frame, sealed with AES-256-GCM. Version 2.
 *
 * ```
 *   sealed   = "LB" version(1) kind(1) nonce(12) ciphertext tag(16)
 *   plain    = sealedAt fields options     fields: of the kind, in a fixed order
 *   options  = count(1) option*            option = id(1) bytes; ids rise
 *   number   = 8 octets, IEEE 754          bytes, text = length(4) octets
 *   sealedAt = number: milliseconds since 1970 by the sealer's wall clock
 * ```
 *
 * The head and the full Redis key are authenticated too, so that a frame opens only under the key and the kind
 * it was made for. Ages and times left are relative, since clocks of instances differ; `sealedAt` is there only to
 * bound for how long a frame that was put back is believed (`stores/record-frames.ts`).
 *
 * Options are for fields that not every frame has. One whose id is below 128 may be skipped by who does not know it;
 * a frame with an unknown one above is a miss. None is in use so far.
 *
 * A change of layout needs a new version, and frames of other versions are misses: those of version 1 had no
 * `sealedAt`, and nothing else bounds them. Golden frames of each version are in `test/wire/`.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { FenceStamp } from './fence.ts'
import { ByteReader, ByteWriter } from './frame-bytes.ts'
import type { HeaderList } from './records.ts'

/** What all frames have. */
interface Sealed {
  /** Milliseconds since 1970 by the wall clock of who sealed it. */
  readonly sealedAt: number
  /** How long Redis keeps it. Ages and times left are whole milliseconds at the moment of sealing. */
  readonly keptMs: number
}

export interface GrantFrame extends Sealed {
  readonly kind: 'grant'
  readonly digest: string
  readonly version: string
  /** Since the request left that the upstream answered so. */
  readonly witnessedAgeMs: number
  readonly stamp: FenceStamp
}

export interface AdmissionFrame extends Sealed {
  readonly kind: 'admission'
  readonly stamp: FenceStamp
}

export interface RepresentationFrame extends Sealed {
  readonly kind: 'representation'
  readonly digest: string
  readonly status: number
  readonly reason: string
  readonly headers: HeaderList
  readonly date: string | null
  readonly body: Buffer
  readonly etag: string
  readonly version: string
  /** Since the upstream made it. */
  readonly ageMs: number
  readonly freshMs: number
  readonly stamp: FenceStamp
}

export type Frame = GrantFrame | AdmissionFrame | RepresentationFrame

const MAGIC = Buffer.from('LB')
const VERSION = 2
/** From here on, who does not know an option does not know the frame. */
const MUST_BE_KNOWN = 128
const KINDS = { grant: 1, admission: 2, representation: 3, bytes: 4 } as const
const HEAD_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface FrameOption {
  /** 0 to 255, each at most once. */
  readonly id: number
  readonly value: Buffer
}

/** What tests put in the place of the usual. */
export interface SealingExtras {
  readonly nonce?: Buffer
  /** By rising ids. */
  readonly options?: readonly FrameOption[]
}

/**
 * @param key 32 bytes
 * @param associated the full Redis key, or the channel
 */
export function seal(
  frame: Frame,
  key: Buffer,
  associated: string,
  { nonce, options = [] }: SealingExtras = {},
): Buffer {
  const plain = new ByteWriter()
  plain.number(frame.sealedAt)
  if (frame.kind === 'grant') writeGrant(plain, frame)
  else if (frame.kind === 'admission') writeAdmission(plain, frame)
  else writeRepresentation(plain, frame)
  plain.byte(options.length)
  for (const { id, value } of options) {
    plain.byte(id)
    plain.bytes(value)
  }
  return sealKind(KINDS[frame.kind], plain.done(), key, associated, nonce)
}

/** Null for anything that is not exactly a frame sealed with this key for this place. Never throws. */
export function open(sealed: Buffer, key: Buffer, associated: string): Frame | null {
  const kind = sealed[3]
  const plain = openKind(kind ?? 0, sealed, key, associated)
  if (plain === null) return null
  const reader = new ByteReader(plain)
  const frame = readFrame(kind, reader)
  return skipOptions(reader) && reader.isSpent ? frame : null
}

/** Whether it has the head of a frame of this version; what has not was never sealed by this version of Layby. */
export function isFramed(sealed: Buffer): boolean {
  return sealed.subarray(0, 2).equals(MAGIC) && sealed[2] === VERSION
}

/** False: there is one that has to be known, or they are in no order. */
function skipOptions(from: ByteReader): boolean {
  let last = -1
  for (let left = from.byte(); left > 0; left--) {
    const id = from.byte()
    from.bytes()
    if (id <= last || id >= MUST_BE_KNOWN) return false
    last = id
  }
  return true
}

/** Seals what is no record: messages between instances. */
export function sealBytes(plain: Buffer, key: Buffer, associated: string, nonce?: Buffer): Buffer {
  return sealKind(KINDS.bytes, plain, key, associated, nonce)
}

export function openBytes(sealed: Buffer, key: Buffer, associated: string): Buffer | null {
  return openKind(KINDS.bytes, sealed, key, associated)
}

function sealKind(
  kind: number,
  plain: Buffer,
  key: Buffer,
  associated: string,
  nonce: Buffer = randomBytes(NONCE_BYTES),
): Buffer {
  const head = Buffer.concat([MAGIC, Buffer.from([VERSION, kind])])
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.concat([head, Buffer.from(associated)]))
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([head, nonce, ciphertext, cipher.getAuthTag()])
}

function openKind(kind: number, sealed: Buffer, key: Buffer, associated: string): Buffer | null {
  const textAt = HEAD_BYTES + NONCE_BYTES
  if (sealed.length < textAt + TAG_BYTES) return null
  const head = sealed.subarray(0, HEAD_BYTES)
  if (!isFramed(sealed) || head[3] !== kind) return null
  const nonce = sealed.subarray(HEAD_BYTES, textAt)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  // guard: frame-in-place
  decipher.setAAD(Buffer.concat([head, Buffer.from(associated)]))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(sealed.subarray(textAt, -TAG_BYTES))
    // guard: frame-authentic
    decipher.final()
    return plain
  } catch {
    // Another key, another place, or other bytes: which of them is nobody's business.
    return null
  }
}

function readFrame(kind: number | undefined, reader: ByteReader): Frame | null {
  const sealedAt = reader.number()
  if (kind === KINDS.grant) return { ...readGrant(reader), sealedAt }
  if (kind === KINDS.admission) return { ...readAdmission(reader), sealedAt }
  return kind === KINDS.representation ? { ...readRepresentation(reader), sealedAt } : null
}

function writeGrant(to: ByteWriter, frame: GrantFrame): void {
  to.text(frame.digest)
  to.text(frame.version)
  to.number(frame.witnessedAgeMs)
  to.number(frame.keptMs)
  to.pairs(frame.stamp)
}

function readGrant(from: ByteReader): Omit<GrantFrame, 'sealedAt'> {
  return {
    kind: 'grant',
    digest: from.text(),
    version: from.text(),
    witnessedAgeMs: from.number(),
    keptMs: from.number(),
    stamp: from.pairs(),
  }
}

function writeAdmission(to: ByteWriter, frame: AdmissionFrame): void {
  to.number(frame.keptMs)
  to.pairs(frame.stamp)
}

function readAdmission(from: ByteReader): Omit<AdmissionFrame, 'sealedAt'> {
  return { kind: 'admission', keptMs: from.number(), stamp: from.pairs() }
}

function writeRepresentation(to: ByteWriter, frame: RepresentationFrame): void {
  to.text(frame.digest)
  to.number(frame.status)
  to.text(frame.reason)
  to.pairs(frame.headers)
  to.pairs(frame.date === null ? [] : [['date', frame.date]])
  to.text(frame.etag)
  to.text(frame.version)
  to.number(frame.ageMs)
  to.number(frame.freshMs)
  to.number(frame.keptMs)
  to.pairs(frame.stamp)
  to.bytes(frame.body)
}

function readRepresentation(from: ByteReader): Omit<RepresentationFrame, 'sealedAt'> {
  return {
    kind: 'representation',
    digest: from.text(),
    status: from.number(),
    reason: from.text(),
    headers: from.pairs(),
    date: from.pairs()[0]?.[1] ?? null,
    etag: from.text(),
    version: from.text(),
    ageMs: from.number(),
    freshMs: from.number(),
    keptMs: from.number(),
    stamp: from.pairs(),
    body: from.bytes(),
  }
}

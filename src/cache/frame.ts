/**
 * What a record looks like in Redis: a versioned binary frame, sealed with AES-256-GCM.
 *
 * ```
 *   sealed  = "LB" version kind nonce(12) ciphertext tag(16)
 *   plain   = fields in a fixed order; number = 8 bytes IEEE 754, text and bytes = length(4) octets
 * ```
 *
 * The head and the full Redis key are authenticated too, so that a frame opens only under the key and the kind
 * it was made for. No absolute time is in it: clocks of instances differ (reliability C8). Golden frames are in
 * `test/wire/`; a change of layout needs a new version, and old frames are misses.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { FenceStamp } from './fence.ts'
import { ByteReader, ByteWriter } from './frame-bytes.ts'
import type { HeaderList } from './records.ts'

/** Ages and times left are whole milliseconds at the moment of sealing; `keptMs` is how long Redis keeps it. */
export interface GrantFrame {
  readonly kind: 'grant'
  readonly digest: string
  readonly version: string
  /** Since the request left that the upstream answered so. */
  readonly witnessedAgeMs: number
  readonly keptMs: number
  readonly stamp: FenceStamp
}

export interface AdmissionFrame {
  readonly kind: 'admission'
  readonly keptMs: number
  readonly stamp: FenceStamp
}

export interface RepresentationFrame {
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
  readonly keptMs: number
  readonly stamp: FenceStamp
}

export type Frame = GrantFrame | AdmissionFrame | RepresentationFrame

const MAGIC = Buffer.from('LB')
const VERSION = 1
const KINDS = { grant: 1, admission: 2, representation: 3, bytes: 4 } as const
const HEAD_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * @param key 32 bytes
 * @param associated the full Redis key, or the channel
 * @param nonce in tests, a fixed one
 */
export function seal(frame: Frame, key: Buffer, associated: string, nonce?: Buffer): Buffer {
  const plain = new ByteWriter()
  if (frame.kind === 'grant') writeGrant(plain, frame)
  else if (frame.kind === 'admission') writeAdmission(plain, frame)
  else writeRepresentation(plain, frame)
  return sealKind(KINDS[frame.kind], plain.done(), key, associated, nonce)
}

/** Null for anything that is not exactly a frame sealed with this key for this place. Never throws. */
export function open(sealed: Buffer, key: Buffer, associated: string): Frame | null {
  const kind = sealed[3]
  const plain = openKind(kind ?? 0, sealed, key, associated)
  if (plain === null) return null
  const reader = new ByteReader(plain)
  const frame = readFrame(kind, reader)
  return reader.isSpent ? frame : null
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
  if (!head.subarray(0, 2).equals(MAGIC) || head[2] !== VERSION || head[3] !== kind) return null
  const nonce = sealed.subarray(HEAD_BYTES, textAt)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.concat([head, Buffer.from(associated)]))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const plain = decipher.update(sealed.subarray(textAt, -TAG_BYTES))
    decipher.final()
    return plain
  } catch {
    // Another key, another place, or other bytes: which of them is nobody's business.
    return null
  }
}

function readFrame(kind: number | undefined, reader: ByteReader): Frame | null {
  if (kind === KINDS.grant) return readGrant(reader)
  if (kind === KINDS.admission) return readAdmission(reader)
  return kind === KINDS.representation ? readRepresentation(reader) : null
}

function writeGrant(to: ByteWriter, frame: GrantFrame): void {
  to.text(frame.digest)
  to.text(frame.version)
  to.number(frame.witnessedAgeMs)
  to.number(frame.keptMs)
  to.pairs(frame.stamp)
}

function readGrant(from: ByteReader): GrantFrame {
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

function readAdmission(from: ByteReader): AdmissionFrame {
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

function readRepresentation(from: ByteReader): RepresentationFrame {
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

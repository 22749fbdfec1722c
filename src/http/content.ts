/**
 * The content of one request on its way to the API: limited in length, remembered where a write needs it, and held
 * until it is whole where there is memory for that. Of what is held not a byte has left.
 */
import { Readable, Transform, type TransformCallback } from 'node:stream'
import { GatheredBytes } from '../lib/gathered-bytes.ts'
import type { ContentSender, HeldMemory } from './held-memory.ts'

/** The content went over `server.maxRequestBytes`. */
export class ContentTooLarge extends Error {
  override readonly name = 'ContentTooLarge'
}

/** The client went away within its content. */
export class ContentBrokenOff extends Error {
  override readonly name = 'ContentBrokenOff'
}

/** Whether the field names a coding in which content can't be read here (RFC 9110 section 8.4). */
export function isCoding([name, value]: readonly [name: string, value: string]): boolean {
  return name === 'content-encoding' && value.trim().toLowerCase() !== 'identity'
}

/** Longest content that is remembered; parents and ids are found in far less. */
const MAX_REMEMBERED_BYTES = 65_536
/** Longer content is sent in pieces of this size. */
const PIECE_BYTES = 65_536

export class Content {
  readonly #source: Readable
  readonly #maxBytes: number
  readonly #remembers: boolean
  /** Called once, before the source is read. */
  #onRead: (() => void) | null
  /** What was read from the source, and fitted into the memory for it. */
  readonly #held = new GatheredBytes()
  /** What was read behind it, and did not fit. */
  #behind: Buffer | null = null
  #isWhole = false
  #tap: Tap | null = null
  #giveBack: () => void = () => {}

  /**
   * @param source not read from yet
   * @param remembers whether `text` will be asked for
   * @param onRead called once, before the source is read
   */
  constructor(
    source: Readable,
    maxBytes: number,
    remembers: boolean,
    onRead: (() => void) | null = null,
  ) {
    this.#source = source
    this.#maxBytes = maxBytes
    this.#remembers = remembers
    this.#onRead = onRead
  }

  /** As text, once it has all been read, if it is short enough to be remembered; else null. */
  get text(): string | null {
    if (!this.#remembers) return null
    const whole = this.#isWhole ? this.#held.bytes() : (this.#tap?.whole ?? null)
    return whole === null || whole.length > MAX_REMEMBERED_BYTES ? null : whole.toString('utf8')
  }

  /**
   * Reads until it is whole, or until `memory` has no more for it; then the rest stays in the source. What was taken
   * is given back by `release`.
   *
   * @throws ContentTooLarge, ContentBrokenOff
   */
  async hold(memory: HeldMemory, sender: ContentSender): Promise<void> {
    let taken = 0
    this.#giveBack = () => {
      memory.giveBack(taken, sender)
      taken = 0
    }
    this.#begin()
    this.#isWhole = await readWhile(this.#source, (piece) => {
      if (this.#held.length + piece.length > this.#maxBytes) throw tooLarge()
      const growth = this.#held.growthFor(piece.length)
      // guard: held-content
      if (!memory.take(growth, sender)) {
        this.#behind = piece
        return false
      }
      taken += growth
      this.#held.add(piece)
      return true
    })
  }

  /** Of all of it, where it is held; else null. */
  get length(): number | null {
    return this.#isWhole ? this.#held.length : null
  }

  /**
   * What to send: what is held, or, unless that is all of it, a stream that begins with it. To be called once.
   *
   * Much is a stream as well: one can see its end, and the API has its time to answer from there on.
   */
  toSend(): Buffer | Readable {
    if (this.#isWhole) {
      const whole = this.#held.bytes()
      return whole.length > PIECE_BYTES
        ? Readable.from(piecesOf(whole)).on('error', () => {})
        : whole
    }
    this.#begin()
    const tap = new Tap(this.#maxBytes, this.#remembers ? MAX_REMEMBERED_BYTES : 0)
    this.#tap = tap
    // Who reads the tap learns of its end by the read itself.
    tap.on('error', () => {})
    // A client that goes away within its content is an error here: the request to the API is cut off too.
    this.#source.once('error', () => tap.destroy(brokenOff()))
    if (this.#source.destroyed) tap.destroy(brokenOff())
    if (this.#held.length > 0) tap.write(this.#held.bytes())
    if (this.#behind !== null) tap.write(this.#behind)
    this.#source.pipe(tap)
    return tap
  }

  #begin(): void {
    this.#onRead?.()
    this.#onRead = null
  }

  /** Gives back the memory that was taken for it. */
  release(): void {
    this.#giveBack()
  }
}

/**
 * Hands over what `source` brings, piece by piece, until it ends or `take` says that it is enough.
 *
 * @returns whether it has ended
 * @throws what `take` throws; ContentBrokenOff
 */
function readWhile(source: Readable, take: (piece: Buffer) => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      source.pause()
      source.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
      done()
    }
    const onData = (piece: Buffer): void => {
      try {
        if (!take(piece)) settle(() => resolve(false))
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onEnd = (): void => settle(() => resolve(true))
    const onGone = (): void => settle(() => reject(brokenOff()))
    source.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
    if (source.destroyed) onGone()
  })
}

function* piecesOf(whole: Buffer): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += PIECE_BYTES) yield whole.subarray(at, at + PIECE_BYTES)
}

function tooLarge(): ContentTooLarge {
  return new ContentTooLarge('content over the limit')
}

function brokenOff(): ContentBrokenOff {
  return new ContentBrokenOff('the client has gone away within its content')
}

/** Content that goes on as it comes. */
class Tap extends Transform {
  readonly #maxBytes: number
  readonly #maxRememberedBytes: number
  readonly #remembered = new GatheredBytes()
  #size = 0

  constructor(maxBytes: number, maxRememberedBytes: number) {
    super()
    this.#maxBytes = maxBytes
    this.#maxRememberedBytes = maxRememberedBytes
  }

  /** All of it; null: it has not ended, or was too long to be remembered. */
  get whole(): Buffer | null {
    const isAll = this.writableFinished && this.#remembered.length === this.#size
    return isAll ? this.#remembered.bytes() : null
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#size += piece.length
    if (this.#size > this.#maxBytes) {
      done(tooLarge())
      return
    }
    if (this.#size <= this.#maxRememberedBytes) this.#remembered.add(piece)
    done(null, piece)
  }
}

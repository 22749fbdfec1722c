/** Which coding an answer leaves in (RFC 9110 section 12.5.3), and the coding itself. */
import * as zlib from 'node:zlib'
import { ownBytes } from '../lib/own-bytes.ts'

/** By preference: what is smallest for a small JSON body comes first. */
export const CODINGS = ['br', 'zstd', 'gzip'] as const
export type Coding = (typeof CODINGS)[number]

type Compress = (body: Buffer) => Buffer

/** zstd is in Node from 22.15 on; the types that are used here know an older one. */
const { zstdCompressSync } = zlib as { readonly zstdCompressSync?: Compress }

/** Between size and time: the last percent of size would cost ten times as long. */
const BROTLI_QUALITY = 5

const COMPRESS: Readonly<Record<Coding, Compress | undefined>> = {
  br: (body) =>
    zlib.brotliCompressSync(body, {
      params: {
        [zlib.constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY,
        [zlib.constants.BROTLI_PARAM_MODE]: zlib.constants.BROTLI_MODE_TEXT,
        [zlib.constants.BROTLI_PARAM_SIZE_HINT]: body.length,
      },
    }),
  zstd: zstdCompressSync,
  gzip: (body) => zlib.gzipSync(body),
}

export const AVAILABLE: readonly Coding[] = CODINGS.filter((one) => COMPRESS[one] !== undefined)

/**
 * @returns to be kept
 * @throws never for a coding of `AVAILABLE`
 */
export function compress(body: Buffer, coding: Coding): Buffer {
  return ownBytes((COMPRESS[coding] as Compress)(body))
}

/** Who sends a longer field gets the content as it is. */
const MAX_FIELD_LENGTH = 1_024
/** Clients send few different fields; what they choose is remembered for so many of them. */
const MAX_REMEMBERED = 256
const remembered = new Map<string, Coding | null>()

/**
 * The coding that the client likes best among those there are; null: none, or none at all wanted.
 *
 * @param field all lines of `Accept-Encoding`, joined with commas; null: none was sent
 */
export function chooseCoding(field: string | null): Coding | null {
  if (field === null || field.length > MAX_FIELD_LENGTH) return null
  const known = remembered.get(field)
  if (known !== undefined) return known
  const chosen = choose(field)
  // guard: remembered-fields
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(field, chosen)
  return chosen
}

const ITEM =
  /^[ \t]*([!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*(?:;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?$/i

function choose(field: string): Coding | null {
  const weights = new Map<string, number>()
  for (const item of field.split(',')) {
    const found = ITEM.exec(item)
    if (found?.[1] !== undefined) weights.set(found[1].toLowerCase(), Number(found[2] ?? 1))
  }
  const weightOf = (coding: Coding): number =>
    weights.get(coding) ??
    (coding === 'gzip' ? weights.get('x-gzip') : undefined) ??
    weights.get('*') ??
    0
  let best: Coding | null = null
  let bestWeight = weights.get('identity') ?? 0
  // Equal weights go to what comes first; identity, where it is not named, is only what is left.
  for (const coding of AVAILABLE) {
    const weight = weightOf(coding)
    if (weight > bestWeight || (best === null && weight > 0 && weight >= bestWeight)) {
      best = coding
      bestWeight = weight
    }
  }
  return best
}

/** Reading a body whole, up to a limit, without losing what is beyond it. */
import { Readable } from 'node:stream'
import type { HeaderList } from '../cache/records.ts'

export type Gathered =
  | { readonly kind: 'whole'; readonly body: Buffer }
  /** Longer than the limit. The stream gives all of it, from the first byte; consume or destroy it. */
  | { readonly kind: 'longer'; readonly stream: Readable }

/** A body as undici gives it: it can be read whole at a fraction of the cost of reading it in pieces. */
export type Body = Readable & { arrayBuffer(): Promise<ArrayBuffer> }

/**
 * @param length its announced length; null: none was announced
 * @throws when the body ends before it is complete
 */
export async function gather(
  body: Body,
  length: number | null,
  maxBytes: number,
): Promise<Gathered> {
  if (length !== null && length <= maxBytes) {
    return { kind: 'whole', body: Buffer.from(await body.arrayBuffer()) }
  }
  const chunks: Buffer[] = []
  let size = 0
  const source = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  for (let next = await source.next(); !next.done; next = await source.next()) {
    chunks.push(next.value)
    size += next.value.length
    if (size > maxBytes) return { kind: 'longer', stream: rejoin(chunks, source, body) }
  }
  return { kind: 'whole', body: Buffer.concat(chunks) }
}

function rejoin(begun: readonly Buffer[], rest: AsyncIterator<Buffer>, body: Readable): Readable {
  async function* whole(): AsyncGenerator<Buffer> {
    yield* begun
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  }
  const stream = Readable.from(whole(), { objectMode: false })
  stream.once('close', () => body.destroy())
  return stream
}

/** `Content-Length`; null when there is none, or none that is a number. */
export function announcedLength(headers: HeaderList): number | null {
  const value = headers.find(([name]) => name === 'content-length')?.[1]
  return value !== undefined && /^[0-9]{1,15}$/.test(value) ? Number(value) : null
}

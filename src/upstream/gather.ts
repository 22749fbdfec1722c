/** Reading a body whole, up to a limit, without losing what is beyond it. */
import { Readable } from 'node:stream'

export type Gathered =
  | { readonly kind: 'whole'; readonly body: Buffer }
  /** Longer than the limit. The stream gives all of it, from the first byte; consume or destroy it. */
  | { readonly kind: 'longer'; readonly stream: Readable }

/** Rejects when the body ends before it is complete. */
export async function gather(body: Readable, maxBytes: number): Promise<Gathered> {
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

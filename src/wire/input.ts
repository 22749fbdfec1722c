/**
 * What clients send is read into one buffer for all connections, and is text before anything else can run. Otherwise
 * Node makes a buffer for each read: a sixth of the time of a hit went to making them, and half of each pause of the
 * collector to taking them back.
 *
 * Node can do so for sockets that connect (`onread`, documented of `new net.Socket`), but has no such option for those
 * that a server accepts. So the properties behind it are looked for, by their values, on a socket made with the option.
 * Where they are not found, the bytes come as `data` events, as ever.
 */
import { Socket } from 'node:net'

/** As much as Node reads at once. */
const BUFFER_BYTES = 65_536
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

/** Of a socket: where its bytes are to be put, and who is told how many they were. */
interface Keys {
  readonly buffer: symbol
  readonly callback: symbol
}

interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (buffer: Uint8Array) => void } | null
  [key: symbol]: unknown
}

const keys = findKeys()

/** Null: this Node keeps them elsewhere. */
function findKeys(): Keys | null {
  const callback = (): boolean => true
  const options = { onread: { buffer, callback } }
  const probe = new Socket(options as object) as unknown as Internals
  const symbols = Object.getOwnPropertySymbols(probe)
  const [ofBuffer, ofCallback] = [buffer, callback].map((value) =>
    symbols.find((symbol) => probe[symbol] === value),
  )
  return ofBuffer === undefined || ofCallback === undefined
    ? null
    : { buffer: ofBuffer, callback: ofCallback }
}

/** Whether the sockets of a server can be read without a buffer for each read. */
export const readsIntoOneBuffer = keys !== null

/**
 * @param socket has just come in; what of it was read already is in the stream, and then all of it comes that way
 * @param onText what was received, one character a byte
 * @returns ends it: what comes from then on goes the usual way, into the stream
 */
export function listenTo(socket: Socket, onText: (text: string) => void): () => void {
  const internals = socket as unknown as Internals
  const hasBegun = socket.readableLength > 0
  if (keys === null || hasBegun || internals._handle?.useUserBuffer === undefined) {
    const onData = (chunk: Buffer): void => onText(chunk.toString('latin1'))
    socket.on('data', onData)
    return () => void socket.off('data', onData)
  }
  let isListening = true
  internals[keys.buffer] = buffer
  // False: the stream wants no more for now.
  internals[keys.callback] = (length: number): boolean => {
    // guard: bytes-are-copied
    if (!isListening) return socket.push(Buffer.from(buffer.subarray(0, length)))
    onText(buffer.toString('latin1', 0, length))
    return true
  }
  internals._handle.useUserBuffer(buffer)
  return () => {
    isListening = false
  }
}

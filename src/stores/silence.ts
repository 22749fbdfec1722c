/**
 * Gives up connections on which nothing comes while an answer is awaited. In place of ioredis's `socketTimeout`,
 * which takes a pause of this process for one of Redis:
 *
 * 1. A thousand requests arrive at once, and the event loop does nothing else for two seconds. Commands leave for
 *    Redis meanwhile, and are answered; the answers wait in the socket.
 * 2. The loop comes to its timers first: a timer of one second is due, and would end the connection.
 * 3. It comes to the sockets, where the answers are.
 *
 * So looks are counted, and not time: the sockets are read between any two of them, however late they are.
 */
import { Cluster, type Redis } from 'ioredis'
import type { RedisClient } from './redis-connection.ts'

const LOOK_MS = 250

interface Sight {
  readonly bytesRead: number
  /** Looks in a row at which something was awaited, and nothing had come since the one before. */
  silentLooks: number
}

/** @param silenceMs how long nothing may come, as far as this process could have read it */
export function endSilence(client: RedisClient, silenceMs: number): void {
  const sights = new WeakMap<Redis['stream'], Sight>()
  const timer = setInterval(() => {
    for (const connection of client instanceof Cluster ? client.nodes('all') : [client]) {
      look(connection, sights, silenceMs)
    }
  }, LOOK_MS)
  timer.unref()
  client.once('end', () => clearInterval(timer))
}

function look(
  { stream, commandQueue }: Redis,
  sights: WeakMap<Redis['stream'], Sight>,
  silenceMs: number,
): void {
  // There is none before the first attempt to connect, whatever the type says.
  if ((stream as Redis['stream'] | undefined) === undefined || commandQueue.length === 0) return
  const { bytesRead } = stream
  const seen = sights.get(stream)
  if (seen?.bytesRead !== bytesRead) {
    sights.set(stream, { bytesRead, silentLooks: 0 })
    return
  }
  seen.silentLooks++
  if (seen.silentLooks * LOOK_MS >= silenceMs) stream.destroy(new Error('timed out'))
}

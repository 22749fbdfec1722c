/** A connection to Redis whose faults are all heard, each as a short code, and which is never used half set up. */
import { Cluster, type Redis } from 'ioredis'
import {
  type ConnectionReports,
  clientOf,
  type RedisClient,
  type RedisSettings,
  SILENCE_MS,
} from './redis-clients.ts'
import { codeOf } from './redis-codes.ts'
import { Pauses } from './redis-pauses.ts'
import { endSilence } from './silence.ts'

export type { RedisClient, RedisSettings } from './redis-clients.ts'

/**
 * @param onProblem is given a short code; never a message, which may name addresses or users. `REPLICA`: the
 *   server takes no writes. `DATABASE`: it has no such database, or the user may not select it.
 */
export function connect(
  settings: RedisSettings,
  purpose: 'commands' | 'subscriber',
  onProblem: (code: string) => void,
): RedisClient {
  const pauses = new Pauses()
  const onUnfit = (code: string): void => {
    pauses.unfit()
    onProblem(code)
  }
  const client = clientOf(settings, purpose, pauses, { onProblem, onUnfit })
  client.on('ready', () => pauses.fit())
  // Of a Cluster's nodes each has its own; the Cluster's own comes when none is left.
  client.on('node error', (error: unknown) => onProblem(codeOf(error)))
  client.on('error', handshakeFaults(client, { onProblem, onUnfit }))
  // While an answer is awaited: a subscriber's silence is none, but one that is never told that it has subscribed
  // would wait for ever.
  endSilence(client, SILENCE_MS)
  if (client instanceof Cluster) client.on('+node', hearSecondErrors)
  else hearSecondErrors(client)
  return client
}

/**
 * ioredis goes on where SELECT is refused, in database 0. So the connection is ended, before it is ready:
 *
 * 1. The answer to SELECT is an error; ioredis tells of it, and we end the connection while it does.
 * 2. ioredis asks for INFO on the connection that has ended, and tells of that as well: it is said once.
 * 3. The connection closes without having been ready, and is made anew after a pause.
 */
function handshakeFaults(client: RedisClient, { onProblem, onUnfit }: ConnectionReports) {
  let isEnding = false
  client.on('close', () => {
    isEnding = false
  })
  return (error: unknown): void => {
    const code = codeOf(error)
    // guard: redis-database
    if (isOfSelect(error)) {
      isEnding = true
      onUnfit('DATABASE')
      client.disconnect(true)
    } else if ((error as Error | null)?.name === 'ReplyError') onUnfit(code)
    else if (!isEnding) onProblem(code)
  }
}

/** Redis's answer to SELECT, which ioredis sends on each new connection. */
function isOfSelect(error: unknown): boolean {
  const { command } = (error ?? {}) as { readonly command?: { readonly name?: string } }
  return command?.name === 'select'
}

/**
 * Node tells the errors of some TLS sockets twice, ioredis hears each once, and one that nobody hears ends the process:
 *
 * 1. We disconnect while hands are still shaken: our half of the connection is closed.
 * 2. The server's certificate comes, and is not trusted: the first error.
 * 3. The server answers the early end with an alert: the second, on a socket that is destroyed already.
 */
function hearSecondErrors(connection: Redis): void {
  connection.on('error', () => {
    // There is none before the first attempt to connect, whatever the type says.
    const { stream } = connection as { readonly stream?: Redis['stream'] }
    // guard: second-error
    stream?.on('error', () => {})
  })
}

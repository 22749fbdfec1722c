/** What went wrong with Redis, as a code that may be logged. */

const MAX_MESSAGE_LENGTH = 512

/** What may stand within a message: ioredis wraps what a Sentinel has met with in a sentence. */
const KNOWN_CODES =
  /\b(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|NOAUTH|NOPERM|WRONGPASS)\b/

/** A short word for a fault: a system code, or the first word of what Redis answered. */
export function codeOf(error: unknown): string {
  const fault = (error ?? {}) as Partial<NodeJS.ErrnoException> & { lastNodeError?: unknown }
  const { code, name = '', lastNodeError } = fault
  // Of what a server answers no more is looked at than a code and the sentence around it.
  const message = (fault.message ?? '').slice(0, MAX_MESSAGE_LENGTH)
  if (lastNodeError instanceof Error) return codeOf(lastNodeError)
  if (typeof code === 'string' && /^[A-Z_0-9]{2,40}$/.test(code)) return code
  const word = /^[A-Z]{3,20}(?= )/.exec(message)?.[0] ?? KNOWN_CODES.exec(message)?.[0]
  if (word !== undefined) return word
  if (/timed? ?out/i.test(message)) return 'ETIMEDOUT'
  // All that ioredis tells of a Sentinel or a Cluster node that it could not reach.
  if (/Connection is closed|isn't writeable/.test(message)) return 'CLOSED'
  return /^[A-Za-z]{1,40}$/.test(name) ? name : 'Error'
}

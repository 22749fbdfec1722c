/** The answer to an `OPTIONS` that may not be forwarded: what this proxy can do (RFC 9110 sections 7.6.2 and 9.3.7). */
import type { PlainAnswer } from './answer.ts'
import { ALLOWED_METHODS } from './methods.ts'

/** @param requestId a UUID */
export function optionsAnswer(requestId: string): PlainAnswer {
  const head = ['Allow', ALLOWED_METHODS, 'Cache-Control', 'no-store', 'X-Request-Id', requestId]
  return { status: 204, reason: 'No Content', head, body: null }
}

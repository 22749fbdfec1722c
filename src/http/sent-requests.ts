/**
 * Requests with content of which a byte has left for the API. A fault in what follows of the content is answered where
 * nothing else is known of the request.
 */
import type { IncomingMessage } from 'node:http'

const sent = new WeakSet<IncomingMessage>()

/** To be called right before the first byte leaves. */
export function markSent(request: IncomingMessage): void {
  sent.add(request)
}

export function wasSent(request: IncomingMessage): boolean {
  return sent.has(request)
}

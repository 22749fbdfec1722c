/**
 * Request methods, by what is done with them: `TRACE` and `CONNECT` are refused, and any other goes to the API, as a
 * write unless it is known to be safe (`isSafeMethod`).
 */

/** `Allow` of answers made here. Others may be tried too; whether they mean anything, the API says. */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY'

/**
 * `TRACE` returns what was sent, credentials included (RFC 9110 section 9.3.8), and nothing is tunnelled (`CONNECT`).
 */
export function isRefusedMethod(method: string): boolean {
  return method === 'TRACE' || method === 'CONNECT'
}

const REPORTED: ReadonlySet<string> = new Set(
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE'.split(' '),
)

/** The method as log and traces have it: any that is not well known is one, since a client chooses its text. */
export function reportedMethod(method: string): string {
  // guard: reported-methods
  return REPORTED.has(method) ? method : '_OTHER'
}

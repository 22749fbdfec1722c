/** Calls of the admin API. */
import type { TestApp } from './app.ts'

export const ADMIN_TOKEN = 'an-operators-token-for-tests'

export interface AdminAnswer {
  readonly status: number
  readonly headers: Headers
  // Tests look into it; what is not there fails them.
  readonly body: Record<string, unknown>
}

/** @param authorization null: none */
export async function callAdmin(
  app: Pick<TestApp, 'opsUrl'>,
  method: string,
  path: string,
  body?: unknown,
  authorization: string | null = `Bearer ${ADMIN_TOKEN}`,
): Promise<AdminAnswer> {
  const reply = await fetch(`${app.opsUrl}/admin${path}`, {
    method,
    headers: {
      ...(authorization === null ? {} : { authorization }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await reply.text()
  return {
    status: reply.status,
    headers: reply.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  }
}

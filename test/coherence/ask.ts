import type { Agent } from 'undici'

/** What a client of the coherence run is answered; null: nothing came. */
export interface Answer {
  readonly status: number
  /** -1: the answer shows none. */
  readonly version: number
  readonly cacheStatus: string
}

/** A DELETE is one below the customer, which makes the customer stale and no other. */
export async function ask(
  agent: Agent,
  url: string,
  method: 'GET' | 'PATCH' | 'DELETE',
  tenant: string,
  customer: string,
  signal?: AbortSignal,
  authorization = `Bearer token-${tenant}.${customer.length}`,
): Promise<Answer | null> {
  const headers = {
    authorization,
    'x-tenant-id': tenant,
    'x-api-version': '2023/04/19',
    ...(method === 'PATCH' ? { 'content-type': 'application/json' } : {}),
  }
  const path = `/customers/${customer}${method === 'DELETE' ? '/locations/1' : ''}`
  const body = method === 'PATCH' ? '{"name": "x"}' : null
  try {
    const response = await agent.request({
      origin: url,
      path,
      method,
      headers,
      body,
      ...(signal ? { signal } : {}),
    })
    const text = await response.body.text()
    const { version = -1 } = (response.statusCode === 200 ? JSON.parse(text) : {}) as {
      version?: number
    }
    const cacheStatus = String(response.headers['cache-status'])
    return { status: response.statusCode, version, cacheStatus }
  } catch {
    return null
  }
}

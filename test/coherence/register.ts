import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * An upstream that holds one number for each tenant and customer; a write makes it one greater. It knows nobody of
 * the name `STRANGER`, and breaks the connection off when it has applied a DELETE.
 */
export interface Register {
  readonly url: string
  /** The number now, by tenant and customer. */
  readonly versions: ReadonlyMap<string, number>
  readonly requests: () => number
  close(): Promise<void>
}

/** A text that looks like a token. */
export const STRANGER = 'Bearer no.body'

export function keyOf(tenant: string, customer: string): string {
  return `${tenant}/${customer}`
}

/** @param delayMs how long an answer takes at most; a read is rendered, and a write applied, in the middle */
export async function startRegister(random: () => number, delayMs: number): Promise<Register> {
  const versions = new Map<string, number>()
  let requests = 0
  const server = createServer((req, res) => {
    requests++
    const { 'x-tenant-id': tenant = '', 'x-api-version': version = '' } = req.headers
    const customer = /\/customers\/([0-9]+)/.exec(req.url ?? '')?.[1] ?? '0'
    const key = keyOf(String(tenant), customer)
    req.resume()
    req.on('error', () => {})
    setTimeout(
      () => {
        if (req.headers.authorization === STRANGER) {
          answer(res, '{"detail": "no"}', String(version), 401)
          return
        }
        const isWrite = req.method !== 'GET'
        if (isWrite) versions.set(key, (versions.get(key) ?? 0) + 1)
        const body = JSON.stringify({
          id: Number(customer),
          version: versions.get(key) ?? 0,
          parent_id: null,
        })
        const isBrokenOff = req.method === 'DELETE'
        const end = (): unknown =>
          isBrokenOff ? req.socket.destroy() : answer(res, body, String(version))
        setTimeout(end, random() * delayMs * 0.5)
      },
      random() * delayMs * 0.5,
    )
  })
  server.keepAliveTimeout = 75_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    versions,
    requests: () => requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(res: ServerResponse, body: string, version: string, status = 200): void {
  res.writeHead(status, { 'Content-Type': 'application/json', 'X-API-VERSION': version })
  res.end(body)
}

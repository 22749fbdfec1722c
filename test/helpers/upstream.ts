import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export type Script = (received: Received, res: ServerResponse, n: number) => void

export interface ScriptedUpstream {
  readonly url: string
  /** In the order in which they were complete. */
  readonly requests: readonly Received[]
  /** Replaces what is answered from now on. */
  answer(script: Script): void
  /** From now on requests are received and not answered, until `release`. */
  hold(): void
  release(): void
  /** Resolves when so many requests have been received in all. */
  received(count: number): Promise<void>
  /** Forgets the requests so far, which are counted on. */
  forget(): void
  /** From now on connections are refused. */
  close(): Promise<void>
}

/** JSON as the upstream sends it, with the headers that every answer has (contract section 5). */
export function sendJson(
  res: ServerResponse,
  received: Received,
  body: unknown,
  extra: Record<string, string | string[]> = {},
  status = 200,
  reason?: string,
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  if (reason !== undefined) res.statusMessage = reason
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    'X-API-VERSION': received.headers['x-api-version'] ?? '2019/02/08',
    'X-REQUEST-ID': received.headers['x-request-id'] ?? '',
    'Access-Control-Allow-Origin': '*',
    Allow: 'GET,PATCH',
    ...extra,
  })
  res.end(text)
}

/** Answers every GET with the id in the path and every write with a small record. */
const plainScript: Script = (received, res) => {
  const id = /\/customers\/([0-9]+)/.exec(received.url)?.[1] ?? '0'
  sendJson(res, received, `{"id": ${id}, "name": "Plain", "parent_id": null}`)
}

/** A server on a free port that answers by script, counts, and can be held. */
export async function startUpstream(
  t: Test,
  script: Script = plainScript,
): Promise<ScriptedUpstream> {
  const requests: Received[] = []
  const waiting: { count: number; done: () => void }[] = []
  let held: (() => void)[] | null = null
  let n = 0
  let current = script
  const server = createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('error', () => {})
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = req
      const received = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() }
      requests.push(received)
      const nth = ++n
      for (const { count, done } of waiting) if (nth >= count) done()
      const go = (): void => current(received, res, nth)
      if (held === null) go()
      else held.push(go)
    })
  })
  server.keepAliveTimeout = 75_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  t.teardown(close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (next) => {
      current = next
    },
    hold: () => {
      held ??= []
    },
    release: () => {
      const go = held ?? []
      held = null
      for (const one of go) one()
    },
    received: (count) =>
      n >= count ? Promise.resolve() : new Promise((done) => waiting.push({ count, done })),
    forget: () => {
      requests.length = 0
    },
    close,
  }
}

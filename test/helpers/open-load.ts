import { setTimeout as delay } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import { HEADERS } from './app.ts'

export interface Ask {
  readonly path: string
  readonly tenant: number
  readonly method?: 'GET' | 'HEAD' | 'OPTIONS' | 'PATCH'
  readonly body?: string
}

export interface Told {
  /** 0: the connection broke off. */
  readonly status: number
  /** From when it was to be sent, by schedule, to the end of the answer. */
  readonly milliseconds: number
  readonly cacheStatus: string
  readonly retryAfter: string | null
}

/** Requests by schedule, whether answers have come or not: who waits for answers does not see a queue. */
export class OpenLoad {
  readonly #agent = new Agent({ connections: 1_024 })
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  async ask(ask: Ask, due = performance.now()): Promise<Told> {
    const authorization = `Bearer token-of-${ask.tenant}.aaaa`
    const headers = { ...HEADERS, authorization, 'x-tenant-id': String(ask.tenant) }
    const { method = 'GET', body = null, path } = ask
    const options = { origin: this.#origin, path, method, body } as const
    try {
      const reply = await this.#agent.request({
        ...options,
        headers: body === null ? headers : { ...headers, 'content-type': 'application/json' },
      })
      await reply.body.dump()
      return told(reply, performance.now() - due)
    } catch {
      return { status: 0, milliseconds: performance.now() - due, cacheStatus: '', retryAfter: null }
    }
  }

  /** @param next what is asked, the how-manieth it is */
  async run(seconds: number, perSecond: number, next: (n: number) => Ask): Promise<Told[]> {
    const asking: Promise<Told>[] = []
    const from = performance.now()
    const count = Math.round(seconds * perSecond)
    while (asking.length < count) {
      const due = from + (asking.length * 1_000) / perSecond
      if (due > performance.now()) await delay(2)
      else asking.push(this.ask(next(asking.length), due))
    }
    return Promise.all(asking)
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

function told({ statusCode, headers }: Dispatcher.ResponseData, milliseconds: number): Told {
  const retryAfter = headers['retry-after']
  return {
    status: statusCode,
    milliseconds,
    cacheStatus: String(headers['cache-status'] ?? ''),
    retryAfter: retryAfter === undefined ? null : String(retryAfter),
  }
}

/** @param share 0.99: what 99 of 100 stay below */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

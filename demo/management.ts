import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Controls } from './controls.ts'
import type { Journal } from './journal.ts'

interface Managed {
  readonly controls: Controls
  readonly journal: Journal
}

/**
 * The upstream's own two paths, open to all and not counted: `GET /__stats` tells the counters,
 * `POST /__control` with `{delayMs?, jitterMs?, failureRate?, failStatus?}` sets delay and failures.
 */
export function handleManagement(
  request: IncomingMessage,
  response: ServerResponse,
  { controls, journal }: Managed,
): void {
  if (request.url === '/__stats' && request.method === 'GET') {
    send(response, 200, journal.counters)
  } else if (request.url === '/__control' && request.method === 'POST') {
    applySettings(request, controls)
      .then((fault) => send(response, fault === undefined ? 200 : 400, { fault: fault ?? null }))
      .catch(() => response.destroy())
  } else {
    send(response, 404, { fault: 'no such path' })
  }
}

function send(response: ServerResponse, status: number, value: object): void {
  const body = `${JSON.stringify(value)}\n`
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

// Each setting with its largest value.
const LIMITS = { delayMs: 600_000, jitterMs: 600_000, failureRate: 1, failStatus: 599 } as const

type Settings = Partial<Record<keyof typeof LIMITS, number>>

/** Applies the body's settings; returns what is wrong with them instead, if anything is. */
async function applySettings(
  request: IncomingMessage,
  controls: Controls,
): Promise<string | undefined> {
  const settings = readSettings(await readText(request))
  if (typeof settings === 'string') return settings
  const { delayMs, jitterMs, failureRate, failStatus } = settings
  if (delayMs !== undefined || jitterMs !== undefined) {
    controls.setLatency({ delayMs: delayMs ?? 0, jitterMs: jitterMs ?? 0 })
  }
  if (failureRate !== undefined) {
    controls.setFailureRate({ rate: failureRate, status: failStatus ?? 503 })
  }
  return undefined
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function readSettings(text: string): Settings | string {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return 'the body is not JSON'
  }
  if (typeof given !== 'object' || given === null) return 'the body is not an object'
  const settings: Settings = {}
  for (const [name, value] of Object.entries(given)) {
    if (!isSetting(name)) return `unknown setting ${name}`
    const least = name === 'failStatus' ? 400 : 0
    if (typeof value !== 'number' || !(value >= least && value <= LIMITS[name])) {
      return `${name} must be a number from ${least} to ${LIMITS[name]}`
    }
    settings[name] = value
  }
  return settings
}

function isSetting(name: string): name is keyof typeof LIMITS {
  return Object.hasOwn(LIMITS, name)
}

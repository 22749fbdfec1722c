/**
 * `npm run bench:followers`: 1,000 concurrent cold reads of one key, the client in a thread of its own.
 * Prints how long after the leader the last of the 999 followers was answered: median and range over the
 * rounds, the first ones left out. Exits with 1 if a round cost the upstream more than one request.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { Agent } from 'undici'
import { buildApp } from '../src/app.ts'
import { parseConfig } from '../src/config/load.ts'
import { systemClock } from '../src/lib/clock.ts'
import { customerBody } from './peers/customer-body.ts'
import { progress } from './progress.ts'

const CLIENTS = 1_000
const WARM_UP_ROUNDS = 10
const ROUNDS = 50
const HEADERS = {
  authorization: 'Bearer bench-token.0',
  'x-tenant-id': '7',
  'x-api-version': '2023/04/19',
}

/** The other thread: asks 1,000 times at once for each path it is sent. */
function serveAsClient(origin: string): void {
  const agent = new Agent({ connections: CLIENTS })
  const ask = async (path: string): Promise<void> => {
    const response = await agent.request({ origin, path, method: 'GET', headers: HEADERS })
    await response.body.text()
  }
  parentPort?.on('message', async (path: string) => {
    await Promise.all(Array.from({ length: CLIENTS }, () => ask(path)))
    parentPort?.postMessage('answered')
  })
}

async function measure(): Promise<void> {
  const waiting: ServerResponse[] = []
  const upstream = createServer((_req, res) => waiting.push(res)).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  let lookups = 0
  let finished: { readonly kind: string; readonly at: number }[] = []
  const config = parseConfig({
    server: { port: 0, drainDelayMs: 0 },
    ops: { port: 0 },
    upstream: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
    log: { level: 'warn' },
  })
  const app = await buildApp(config, {
    reporter: {
      finished: ({ outcome }) => finished.push({ kind: outcome.kind, at: systemClock.monotonic() }),
      lookedUp: () => {
        lookups += 1
      },
    },
  })
  const { url } = await app.listen()
  const client = new Worker(fileURLToPath(import.meta.url), { workerData: url })
  const delays: number[] = []
  for (let round = 1; round <= WARM_UP_ROUNDS + ROUNDS; round += 1) {
    if (round % 10 === 0) progress(`round ${round} of ${WARM_UP_ROUNDS + ROUNDS}`)
    lookups = 0
    finished = []
    const answered = once(client, 'message')
    client.postMessage(`/customers/${round}/`)
    while (lookups < CLIENTS || waiting.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    if (waiting.length !== 1) throw new Error(`${waiting.length} upstream requests in a round`)
    const head = { 'content-type': 'application/json', 'x-api-version': '2023/04/19' }
    waiting.pop()?.writeHead(200, head).end(customerBody)
    await answered
    const leaderAt = finished.find(({ kind }) => kind === 'fill')?.at ?? Number.NaN
    if (round > WARM_UP_ROUNDS) delays.push(Math.max(...finished.map(({ at }) => at - leaderAt)))
  }
  delays.sort((a, b) => a - b)
  const at = (share: number): string => (delays[Math.floor(share * (ROUNDS - 1))] ?? 0).toFixed(1)
  console.log(
    `last of ${CLIENTS - 1} followers after the leader, ${ROUNDS} rounds: ` +
      `median ${at(0.5)} ms, 19 of 20 within ${at(0.95)} ms, worst ${at(1)} ms; one upstream request a round`,
  )
  await client.terminate()
  await app.close()
  upstream.closeAllConnections()
  upstream.close()
}

if (isMainThread) await measure()
else serveAsClient(workerData as string)

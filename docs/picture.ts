/**
 * `npm run docs:picture`: writes `docs/dashboard.png`, the dashboard of a demo with sample traffic. Needs Chromium and
 * redis-server, and the ports of the demo. `-- <address>`: of the Layby whose operations port that is.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const PICTURE = fileURLToPath(new URL('../../docs/dashboard.png', import.meta.url))
const DEMO = fileURLToPath(new URL('../demo/main.js', import.meta.url))
/** Of the demo's first Layby. */
const DEMO_OPS_URL = 'http://127.0.0.1:9003'
/** CSS pixels. What is shown ends below the first row of panels. */
const VIEWPORT = { width: 1080, height: 940 }
const MARGIN = 20
/** A page of a repository with a larger picture opens slowly. */
const MAX_BYTES = 120_000
/** So that the demo is not young any more, and its charts have something to show. Milliseconds. */
const WARM_UP_MS = 120_000
/** The page has figures of its own by then. Milliseconds. */
const SHOWN_AFTER_MS = 15_000
const START_MS = 60_000

async function main([address]: readonly string[]): Promise<void> {
  const demo = address === undefined ? startDemo() : null
  try {
    await taken(address ?? DEMO_OPS_URL, demo === null ? 0 : WARM_UP_MS)
  } finally {
    if (demo !== null) await stop(demo)
  }
  const { size } = statSync(PICTURE)
  if (size > MAX_BYTES) throw new Error(`${PICTURE} has ${size} bytes: more than ${MAX_BYTES}`)
  console.log(`${PICTURE}: ${size} bytes`)
}

function startDemo(): ChildProcess {
  const options = ['--redis', '--traffic']
  return spawn(process.execPath, [DEMO, ...options], { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function stop(demo: ChildProcess): Promise<void> {
  if (demo.exitCode !== null) return
  const ended = once(demo, 'exit')
  demo.kill('SIGTERM')
  await ended
}

async function taken(opsUrl: string, warmUpMs: number): Promise<void> {
  await untilReady(opsUrl)
  await setTimeout(warmUpMs)
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  try {
    const page = await browser.newPage({ colorScheme: 'light', viewport: VIEWPORT })
    await page.goto(`${opsUrl}/dashboard`)
    await page.locator('#connection[data-state="good"]').waitFor()
    await setTimeout(SHOWN_AFTER_MS)
    const last = page.locator('.panel').nth(1)
    const { y, height } = (await last.boundingBox()) ?? { y: 0, height: VIEWPORT.height }
    const clip = { x: 0, y: 0, width: VIEWPORT.width, height: y + height + MARGIN }
    await page.screenshot({ path: PICTURE, clip })
  } finally {
    await browser.close()
  }
}

/** @throws when nothing answers there */
async function untilReady(opsUrl: string): Promise<void> {
  const end = performance.now() + START_MS
  for (;;) {
    try {
      await fetch(`${opsUrl}/healthz`)
      return
    } catch (error) {
      if (performance.now() > end) throw error
      await setTimeout(500)
    }
  }
}

await main(process.argv.slice(2))

import { execFileSync } from 'node:child_process'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

/** Debian's Chromium, with nothing that calls anywhere. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** For a busy machine; conditions are waited for, not times. */
const DEADLINE_MS = 30_000

/** Gone when the test ends. */
export async function startBrowser(t: Test): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim()
  const browser = await chromium.launch({ executablePath, args: ARGS, timeout: DEADLINE_MS })
  t.teardown(() => browser.close())
  return browser
}

export interface WatchedPage {
  readonly page: Page
  /** Errors of scripts and of the policy on content, and whatever the page asked of another origin. */
  readonly objections: readonly string[]
}

export interface Look {
  readonly colorScheme?: 'light' | 'dark'
  readonly width?: number
}

/** The dashboard in a page of its own. Resolves when it has shown its first figures. */
export async function openDashboard(
  browser: Browser,
  opsUrl: string,
  { colorScheme = 'light', width = 1280 }: Look = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
  page.setDefaultTimeout(DEADLINE_MS)
  const objections: string[] = []
  page.on('pageerror', (error) => objections.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // A refused connection is told as an error too; whether there should be one, the test knows.
    const isLost = message.text().includes('net::ERR_')
    if (message.type() === 'error' && !isLost) objections.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(opsUrl) && !url.startsWith('data:')) objections.push(`asked for ${url}`)
  })
  await page.goto(`${opsUrl}/dashboard`)
  await page.locator('#connection[data-state="good"]').waitFor()
  return { page, objections }
}

/** Resolves when the text is there; says what there is instead when it does not come. */
export async function waitForText(page: Page, selector: string, text: RegExp): Promise<void> {
  const found = page.locator(selector)
  const end = performance.now() + DEADLINE_MS
  let last = ''
  while (performance.now() < end) {
    last = (await found.textContent()) ?? ''
    if (text.test(last)) return
    await page.waitForTimeout(100)
  }
  throw new Error(`${selector} does not say ${text}, but: ${last}`)
}

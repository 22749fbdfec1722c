/** What an entry costs in memory, and whether look-ups stay as fast with a million of them. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { spawnPinned } from '../processes.ts'
import { progress } from '../progress.ts'
import { alignColumns } from '../report.ts'
import type { EntriesRow } from './entries-worker.ts'
import type { ScaleOptions } from './options.ts'
import type { Finding, Grounds } from './part.ts'

const VARIANTS = ['small', 'customer'] as const
const WORKER = fileURLToPath(new URL('./entries-worker.js', import.meta.url))

async function run(variant: string, core: number, options: ScaleOptions): Promise<EntriesRow[]> {
  const child = spawnPinned({
    program: process.execPath,
    args: [
      ...['--expose-gc', '--max-semi-space-size=32', '--max-old-space-size=5120', WORKER],
      ...[variant, options.sizes.join(','), `${options.rounds}`],
    ],
    core,
  })
  let output = ''
  let complaint = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8')
    output += text
    // A million takes minutes: who waits sees that it goes on.
    process.stdout.write(text)
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString('utf8')}`.slice(-2000)
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${variant}: ended with ${code}: ${complaint}`)
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as EntriesRow)
}

function cells(row: EntriesRow, first: EntriesRow): string[] {
  return [
    row.variant,
    `${row.entries}`,
    `${row.bodyBytes}`,
    `${Math.round(row.overBodyPerEntry)}`,
    `${Math.round(row.countedPerEntry - row.bodyBytes)}`,
    `${Math.round(row.residentMib)}`,
    `${Math.round(row.lookupNs)}`,
    (row.lookupNs / first.lookupNs).toFixed(2),
    `${Math.round(row.mapsNs)}`,
    (row.mapsNs / first.mapsNs).toFixed(2),
  ]
}

export async function playEntries({ cores }: Grounds, options: ScaleOptions): Promise<Finding> {
  const header = [
    ...['body', 'entries', 'bytes', 'over the body', 'as counted', 'resident MiB'],
    ...['look-up ns', '÷ first', 'plain Maps ns', '÷ first'],
  ]
  const rows: EntriesRow[] = []
  const lines: string[][] = []
  for (const variant of VARIANTS) {
    progress(`entries, ${variant}`)
    const own = await run(variant, cores.server, options)
    rows.push(...own)
    lines.push(...own.map((row) => cells(row, own[0]!)))
  }
  console.log(alignColumns([header, ...lines]).join('\n'))
  return { isGood: true, figures: rows }
}

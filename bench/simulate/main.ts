/** `npm run simulate`: one shift, through every mode and lifetime. `docs/choosing-lifetimes.md` explains it. */
import { writeFileSync } from 'node:fs'
import { progress } from '../progress.ts'
import { readOptions, type SimulateOptions, usage } from './options.ts'
import { planShift } from './plan.ts'
import { faults, type Row, table, trips } from './report.ts'
import { runShift } from './shift.ts'

const MODES = ['witnessed', 'credential', 'tenant'] as const
const MINUTE_MS = 60_000
const TTLS_MS = [1, 5, 15, 60, 480].map((minutes) => minutes * MINUTE_MS)
const LEAST_GRANT_TTL_MS = 15 * MINUTE_MS

async function simulate(options: SimulateOptions): Promise<Row[]> {
  const { seed, isAlike, credentialTtlMs } = options
  const plan = planShift(options)
  const rows: Row[] = []
  for (const sharing of MODES) {
    for (const ttlMs of TTLS_MS) {
      const grantTtlMs = options.grantTtlMs ?? Math.max(LEAST_GRANT_TTL_MS, ttlMs)
      progress(`${sharing}, TTL ${ttlMs / MINUTE_MS} min`)
      const lifetimes = { sharing, ttlMs, grantTtlMs, credentialTtlMs }
      const result = await runShift(plan, { ...lifetimes, seed, isAlike })
      rows.push({ ...lifetimes, result })
    }
  }
  return rows
}

async function main(options: SimulateOptions): Promise<void> {
  const { hours, seed, unseen, json, credentialTtlMs, isAlike } = options
  console.log(
    `A shift of ${hours} h, seed ${seed}; ${unseen * 100} % of the writes come past Layby; ` +
      `credential TTL ${credentialTtlMs / MINUTE_MS} min${isAlike ? '; all roles are alike' : ''}.`,
  )
  const rows = await simulate(options)
  console.log(
    `${rows[0]!.result.reads} reads.\n\n${table(rows)}\n\ntenant sharing:\n${trips(rows)}`,
  )
  if (json !== null) writeFileSync(json, `${JSON.stringify({ options, rows }, null, 2)}\n`)
  const wrong = faults(rows)
  for (const line of wrong) console.error(`FAULT ${line}`)
  if (wrong.length > 0) process.exitCode = 1
}

let options: SimulateOptions | undefined
try {
  options = readOptions(process.argv.slice(2))
} catch (error) {
  console.error(`${(error as Error).message}\n${usage}`)
  process.exit(64)
}
if (options === undefined) console.log(usage)
else await main(options)

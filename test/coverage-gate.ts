/** After the tests: the lines of `src` that they ran, 95 % at least. Reads what tap has written. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const GATE = 95
const SUMMARY = fileURLToPath(new URL('../../.tap/report/coverage-summary.json', import.meta.url))

interface Summary {
  readonly [file: string]: { readonly lines: { readonly total: number; readonly covered: number } }
}

const summary = JSON.parse(readFileSync(SUMMARY, 'utf8')) as Summary
let total = 0
let covered = 0
for (const [file, { lines }] of Object.entries(summary)) {
  if (!file.includes('/src/')) continue
  total += lines.total
  covered += lines.covered
}
const percent = total === 0 ? 0 : (100 * covered) / total
console.log(`${percent.toFixed(2)} % of the ${total} lines of src covered, ${GATE} % required`)
if (percent < GATE) process.exitCode = 1

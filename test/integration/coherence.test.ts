/**
 * Three instances, one Redis, and everything that can go wrong with it (reliability C1 to C3, section 5).
 * COHERENCE_SECONDS, FAULT_EVERY_MS and SEED lengthen, pace and repeat it.
 */
import t from 'tap'
import type { Mutant } from '../coherence/instance.ts'
import { runCoherence } from '../coherence/run.ts'
import { untracked } from '../helpers/untracked.ts'

const SECONDS = Number(process.env['COHERENCE_SECONDS'] ?? 60)
const FAULT_EVERY_MS = Number(process.env['FAULT_EVERY_MS'] ?? 4_000)
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

t.setTimeout((SECONDS + 900) * 1_000)

t.test(`for ${SECONDS} s no read is older than the bounds allow, whatever happens`, async (t) => {
  t.comment(`seed ${seed}`)
  await untracked(t)
  const result = await runCoherence({ seconds: SECONDS, seed, faultEveryMs: FAULT_EVERY_MS })
  const { reads, writes, hits, faults } = result
  t.comment(`${reads} reads, ${hits} hits, ${writes} writes, ${faults.length} faults`)
  for (const [fault, lateness] of result.lateness) {
    const sorted = [...lateness].sort((a, b) => a - b)
    const at = (share: number): string =>
      (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0)
    t.comment(
      `${fault}: ${sorted.length} reads were behind, by ${at(0.5)} ms in the median, ${at(1)} ms at most`,
    )
  }
  for (const violation of result.violations.slice(0, 5)) t.comment(JSON.stringify(violation))
  t.equal(result.violations.length, 0, 'reads older than a write that they had to show')
  t.strictSame(result.unequal, [], 'in the end every instance shows what the upstream holds')
  t.strictSame(count(result.failures), {}, 'every request was answered')
  t.ok(hits > reads / 10, 'a good part came from the cache, so the promise was put to the test')
})

const MUTANTS: readonly Mutant[] = [
  'fences are not compared',
  'the others are told before the write',
  'all messages of some fences are lost',
  'a read joins a flight from before a write',
  'what was invalidated is served for a while',
  'a write without an outcome is taken for a rejected one',
]

for (const mutant of MUTANTS) {
  t.test(`the run catches a mutant in which ${mutant}`, async (t) => {
    await untracked(t)
    const isCrowded = mutant === 'a read joins a flight from before a write'
    const options = { seconds: 60, seed, faultEveryMs: null, stopAtViolation: true }
    const result = await runCoherence({ ...options, mutant, isCrowded })
    t.ok(result.violations.length > 0)
    t.comment(`caught after ${result.reads} reads`)
  })
}

function count(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1
  return counts
}

/**
 * One variant of `entries.ts`, in a process of its own: fills the real core in steps, and writes a line of JSON
 * for each size. Call: node --expose-gc entries-worker.js <small|customer> <sizes, with commas> <rounds>
 */
import type { StoredRecord } from '../../src/cache/records.ts'
import type { ReadRequest } from '../../src/cache/request.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { customerBody } from '../peers/customer-body.ts'
import { median } from '../report.ts'
import { FilledCore, type MakeBody } from './filled-core.ts'

/** What is known of one variant at one size. */
export type EntriesRow = {
  readonly variant: string
  readonly entries: number
  readonly bodyBytes: number
  /** Heap and external memory after a collection, less that of the empty core. */
  readonly bytesPerEntry: number
  readonly overBodyPerEntry: number
  /** As the memory tier counts it. */
  readonly countedPerEntry: number
  readonly residentMib: number
  readonly lookupNs: number
  /** The look-ups of a hit in plain Maps with the same keys. */
  readonly mapsNs: number
}

/** Requests that are made, untimed, just before they are timed: what has been read from a socket is at hand. */
const BATCH = 256
const BATCHES_A_ROUND = 40

const MAKE: Readonly<Record<string, MakeBody>> = {
  small: (id) => `{"id": ${48_000_000 + id}, "parent_id": null}`,
  customer: (id) => customerBody.replace('"id": 48213,', `"id": ${48_000_000 + id},`),
}

function bytesInUse(): number {
  for (let i = 0; i < 3; i += 1) globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Park and Miller's generator: the same requests in each run. */
function randomIndices(below: number): () => number {
  let state = 20_231_124
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

/** Processor time of this process for one look-up, in nanoseconds. */
function timeRound(
  make: () => ReadRequest,
  work: (requests: readonly ReadRequest[]) => number,
): number {
  let microseconds = 0
  for (let batch = 0; batch < BATCHES_A_ROUND; batch += 1) {
    const requests = Array.from({ length: BATCH }, make)
    const before = process.cpuUsage()
    const found = work(requests)
    const { user, system } = process.cpuUsage(before)
    if (found !== BATCH) throw new Error(`${found} of ${BATCH} were found`)
    microseconds += user + system
  }
  return (microseconds * 1000) / (BATCH * BATCHES_A_ROUND)
}

function lookUpAll({ core }: FilledCore, requests: readonly ReadRequest[]): number {
  const now = systemClock.monotonic()
  let hits = 0
  for (const request of requests) if (core.cache.lookup(request, now).kind !== 'miss') hits += 1
  return hits
}

type Maps = {
  readonly records: ReadonlyMap<string, StoredRecord>
  readonly fences: ReadonlyMap<string, string>
}

/** The records and fences that the hits read, for all entries. */
function plainMaps(filled: FilledCore): Maps {
  const records = new Map<string, StoredRecord>()
  const fences = new Map<string, string>()
  const { memory } = filled.core
  for (let index = 0; index < filled.size; index += 1) {
    const request = filled.request(index)
    const grant = memory.peek(request.grantKey)
    if (grant?.kind !== 'grant') throw new Error('a grant is missing')
    const key = request.representationKey('', grant.digest)
    for (const each of [request.grantKey, key, request.admissionKey]) {
      const record = memory.peek(each)
      if (record === undefined) throw new Error('a record is missing')
      records.set(each, record)
    }
    for (const [name, value] of grant.stamp) fences.set(name, value)
  }
  return { records, fences }
}

function holds({ fences }: Maps, record: StoredRecord | undefined): boolean {
  if (record === undefined || !('stamp' in record)) return false
  return record.stamp.every(([name, value]) => fences.get(name) === value)
}

function readAll(maps: Maps, requests: readonly ReadRequest[]): number {
  const { records } = maps
  let found = 0
  for (const request of requests) {
    const grant = records.get(request.grantKey)
    if (grant?.kind !== 'grant') continue
    const representation = records.get(request.representationKey('', grant.digest))
    const admission = records.get(request.admissionKey)
    if (holds(maps, grant) && holds(maps, representation) && holds(maps, admission)) found += 1
  }
  return found
}

function measureTimes(filled: FilledCore, rounds: number) {
  const next = randomIndices(filled.size)
  const make = (): ReadRequest => filled.request(next())
  const maps = plainMaps(filled)
  const lookup: number[] = []
  const plain: number[] = []
  // The first rounds compile.
  for (let round = -5; round < rounds; round += 1) {
    const one = timeRound(make, (requests) => lookUpAll(filled, requests))
    const other = timeRound(make, (requests) => readAll(maps, requests))
    if (round < 0) continue
    lookup.push(one)
    plain.push(other)
  }
  return { lookupNs: median(lookup), mapsNs: median(plain) }
}

async function main(): Promise<void> {
  const [variant = 'small', sizes = '1000', rounds = '15'] = process.argv.slice(2)
  const makeBody = MAKE[variant]!
  const filled = new FilledCore(makeBody)
  const empty = bytesInUse()
  for (const entries of sizes.split(',').map(Number)) {
    await filled.fillTo(entries)
    const bytesPerEntry = (bytesInUse() - empty) / entries
    const bodyBytes = makeBody(0).length
    const row: EntriesRow = {
      variant,
      entries,
      bodyBytes,
      bytesPerEntry,
      overBodyPerEntry: bytesPerEntry - bodyBytes,
      countedPerEntry: filled.core.memory.bytes / entries,
      residentMib: process.memoryUsage().rss / 1_048_576,
      ...measureTimes(filled, Number(rounds)),
    }
    console.log(JSON.stringify(row))
  }
}

await main()

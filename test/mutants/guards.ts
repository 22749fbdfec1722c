/** The guards of `docs/security.md`: how each is taken out of force, and which tests must notice. */
import { CACHE_GUARDS } from './guards/cache.ts'
import { OPERATIONS_GUARDS } from './guards/operations.ts'
import { REDIS_GUARDS } from './guards/redis.ts'
import { REQUEST_GUARDS } from './guards/requests.ts'
import { UPSTREAM_GUARDS } from './guards/upstream.ts'

/** A test that must fail without the guard. */
export interface TestRun {
  /** Below `test/`, without `.test.ts`. */
  readonly file: string
  /** A pattern of the titles of the file's own subtests; left out: all of them. */
  readonly title?: string
  readonly env?: Readonly<Record<string, string>>
  /** Longest time for it; 240 where it is left out. */
  readonly seconds?: number
}

export interface Guard {
  /** As its marker has it. */
  readonly name: string
  /** What is replaced after the marker, and by what, in the compiled file. */
  readonly cuts: readonly (readonly [part: string, by: string])[]
  /** Goes before the file: an import that a replacement needs. */
  readonly prelude?: string
  readonly tests: readonly TestRun[]
}

export const GUARDS: readonly Guard[] = [
  ...REQUEST_GUARDS,
  ...CACHE_GUARDS,
  ...REDIS_GUARDS,
  ...UPSTREAM_GUARDS,
  ...OPERATIONS_GUARDS,
]

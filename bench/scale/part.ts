import type { Cores } from '../machine.ts'

/** What the parts stand on. */
export type Grounds = {
  readonly cores: Cores
  readonly folder: string
  readonly upstreamPort: number
}

/** What a part has found; `isGood` is false where a bound is passed. */
export type Finding = { readonly isGood: boolean; readonly figures: unknown }

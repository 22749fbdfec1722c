/** Which problem a cached read is answered with where there is nothing to serve. */
import type { Failure } from '../cache/served.ts'
import type { ProblemCode } from './problems.ts'

const PROBLEM_OF_FAILURE = {
  unreachable: 'upstream_unreachable',
  timeout: 'upstream_timeout',
  paused: 'upstream_paused',
  limited: 'tenant_limit',
  'not-cached': 'not_cached',
} as const

/** What a client is answered with where there is nothing to serve. */
export function problemOf(failure: Failure): ProblemCode {
  return PROBLEM_OF_FAILURE[failure]
}

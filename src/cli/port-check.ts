/**
 * What a URL leads to, from the answer to `GET /`, which is asked without a token: a token is sent to an operations
 * listener of a Layby, and to no other. Pure.
 */
import Type from 'typebox'
import { Value } from 'typebox/value'
import { EXIT, type Failure } from './exit-codes.ts'

/** As `ops/served-paths.ts` answers; more members may be there. */
const OperationsReply = Type.Object({
  service: Type.Literal('layby'),
  listener: Type.Literal('operations'),
})

export interface PortReply {
  readonly status: number
  /** `Cache-Status`; null: there is none. */
  readonly cacheStatus: string | null
  /** The content; undefined: it is no JSON. */
  readonly content: unknown
}

/** Refusals of the operations listener, by which it is known too. */
const OPERATIONS_REFUSAL = /^urn:layby:problem:(?:host-not-allowed|foreign-page)$/

export type PortKind = 'operations' | 'refusing' | 'public' | 'unknown'

/**
 * - `operations`: a token may be sent there;
 * - `refusing`: it is one, and refuses what was asked before it would look at a token;
 * - `public`: a Layby's public listener, which would pass a token on to the API;
 * - `unknown`: something else, or another version.
 */
export function portKind({ status, cacheStatus, content }: PortReply): PortKind {
  if (status === 200 && Value.Check(OperationsReply, content)) return 'operations'
  const { type } = (content ?? {}) as { readonly type?: unknown }
  const problem = typeof type === 'string' && type.startsWith('urn:layby:problem:') ? type : null
  if (problem !== null) return OPERATIONS_REFUSAL.test(problem) ? 'refusing' : 'public'
  // What a Layby passes on names it.
  return /(?:^|, *)layby\b/.test(cacheStatus ?? '') ? 'public' : 'unknown'
}

export function wrongPort(base: string, kind: 'public' | 'unknown', status: number): Failure {
  const line =
    kind === 'public'
      ? `${base} is the public port of a Layby, and was sent no token: name its operations port with --url (ops.port, 9003 unless set)`
      : `${base} does not answer as the operations port of a Layby of this version (status ${status}), and was sent no token: is the URL right, and the version (layby --version)?`
  return { exitCode: EXIT.fault, line }
}

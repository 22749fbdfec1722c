/** `layby purge`: what is stored is not served again, on any instance. */
import { AdminClient } from './admin-client.ts'
import { type Edges, fail, writeJson } from './edges.ts'
import { EXIT, type ExitCode, type Result } from './exit-codes.ts'
import { type TargetOptions, targetOf } from './ops-target.ts'
import type { PurgeReply, PurgeRequest } from './replies.ts'
import { credentialOfStdin } from './token-input.ts'

export interface PurgeOptions extends TargetOptions {
  readonly tenant?: string
  readonly customer?: string
  readonly all?: boolean
  readonly credential?: string
  readonly tokenStdin?: boolean
  readonly soft?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** As it can be told before a token was exchanged. */
type Wanted = PurgeRequest | { readonly mode: 'hard' | 'soft'; readonly tokenStdin: true }

export async function purge(options: PurgeOptions, edges: Edges): Promise<ExitCode> {
  const wanted = wantedBy(options)
  if ('failure' in wanted) return fail(edges, wanted.failure)
  const target = targetOf(options, edges.sources)
  if ('failure' in target) return fail(edges, target.failure)
  const client = new AdminClient(target.value)
  const request = await named(wanted.value, edges, client)
  if ('failure' in request) return fail(edges, request.failure)
  const reply = await client.purge(request.value)
  if ('failure' in reply) return fail(edges, reply.failure)
  if (options.json === true) writeJson(edges, reply.value)
  else edges.stdout.write(purgedLines(request.value, reply.value))
  return EXIT.done
}

/** Exactly one of a customer, a tenant and a credential; a whole tenant is never meant by accident. */
export function wantedBy(options: PurgeOptions): Result<Wanted> {
  const { tenant, customer, all = false, credential, tokenStdin = false } = options
  const mode = options.soft === true ? 'soft' : 'hard'
  const ofCredential = [credential !== undefined, tokenStdin].filter(Boolean).length
  const ofTenant = [tenant, customer].some((id) => id !== undefined) || all
  if (ofCredential + Number(ofTenant) !== 1) {
    return usage('name one: --tenant with --customer or --all, --credential, or --token-stdin')
  }
  if (tokenStdin) return { value: { mode, tokenStdin } }
  if (credential !== undefined) return { value: { mode, credential } }
  if (tenant === undefined) return usage('--tenant is missing: customers are known by tenant')
  if (all === (customer !== undefined)) {
    return usage('with --tenant, name either --customer <id> or --all')
  }
  if (customer !== undefined) return { value: { mode, tenant, customer } }
  if (options.yes !== true) {
    return usage(`this makes all entries of tenant ${tenant} unusable: add --yes if that is meant`)
  }
  return { value: { mode, tenant, all: true } }
}

function usage(reason: string): Result<never> {
  return { failure: { exitCode: EXIT.usage, line: `purge: ${reason}` } }
}

async function named(
  wanted: Wanted,
  edges: Edges,
  client: AdminClient,
): Promise<Result<PurgeRequest>> {
  if (!('tokenStdin' in wanted)) return { value: wanted }
  const known = await credentialOfStdin(edges, client)
  return 'failure' in known ? known : { value: { mode: wanted.mode, ...known.value } }
}

export function purgedLines(request: PurgeRequest, reply: PurgeReply): string {
  const { generation, instancesAcked: acked, instancesKnown: known, pending = false } = reply
  const how = request.mode === 'soft' ? 'Made stale' : 'Purged'
  const lines = [
    `${how}: ${subjectOf(request)}.`,
    `${acked} of ${known} ${known === 1 ? 'instance has' : 'instances have'} applied it; in the audit log it is ${generation}.`,
  ]
  if (pending) {
    lines.push(
      'Redis, or an instance, has not been told for certain. The instance that was asked serves nothing',
      'from before, and goes on telling the others until they have heard.',
    )
  } else if (acked < known) {
    lines.push(
      'An instance that has not answered stops using its memory within a second of losing touch.',
    )
  }
  return `${lines.join('\n')}\n`
}

function subjectOf(request: PurgeRequest): string {
  if ('credential' in request) return `what was given to credential ${request.credential}`
  return 'customer' in request
    ? `customer ${request.customer} of tenant ${request.tenant}`
    : `all of tenant ${request.tenant}`
}

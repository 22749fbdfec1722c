/** `layby explain`: what the next read of a credential would be answered with, and why. */
import { AdminClient } from './admin-client.ts'
import { type Edges, fail, writeJson } from './edges.ts'
import { EXIT, type ExitCode, type Result } from './exit-codes.ts'
import { explanationLines } from './explanation-screen.ts'
import { type TargetOptions, targetOf } from './ops-target.ts'
import { credentialOfStdin } from './token-input.ts'

export interface ExplainOptions extends TargetOptions {
  readonly tenant: string
  readonly customer: string
  readonly version?: string
  readonly credential?: string
  readonly tokenStdin?: boolean
  readonly json?: boolean
}

export async function explain(options: ExplainOptions, edges: Edges): Promise<ExitCode> {
  const { tenant, customer, version, json = false } = options
  if ((options.credential === undefined) === (options.tokenStdin !== true)) {
    const line = 'explain: name the credential by --credential <hash> or by --token-stdin'
    return fail(edges, { exitCode: EXIT.usage, line })
  }
  const target = targetOf(options, edges.sources)
  if ('failure' in target) return fail(edges, target.failure)
  const client = new AdminClient(target.value)
  const credential = await credentialOf(options, edges, client)
  if ('failure' in credential) return fail(edges, credential.failure)
  const form = version === undefined ? {} : { version }
  const query = { tenant, customer, ...form, credential: credential.value }
  const reply = await client.explain(query)
  if ('failure' in reply) return fail(edges, reply.failure)
  if (json) writeJson(edges, reply.value)
  else edges.stdout.write(`${explanationLines(query, reply.value).join('\n')}\n`)
  return EXIT.done
}

async function credentialOf(
  { credential }: ExplainOptions,
  edges: Edges,
  client: AdminClient,
): Promise<Result<string>> {
  if (credential !== undefined) return { value: credential }
  const known = await credentialOfStdin(edges, client)
  return 'failure' in known ? known : { value: known.value.credential }
}

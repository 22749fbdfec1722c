import type { Test } from 'tap'
import type { NewToken } from '../../demo/accounts.ts'
import type { Role } from '../../demo/roles.ts'
import {
  type SampleUpstream,
  type SampleUpstreamOptions,
  startSampleUpstream,
} from '../../demo/upstream.ts'

/** The sample upstream of the demo, closed when the test ends. */
export async function startSample(
  t: Test,
  options: SampleUpstreamOptions = {},
): Promise<SampleUpstream> {
  const upstream = await startSampleUpstream(options)
  t.teardown(() => upstream.close())
  return upstream
}

/** A token of the contract's form with one role in each tenant, and an OAuth client of its own. */
export function tokenOf(name: string, roles: Readonly<Record<string, Role>>): NewToken {
  return { token: `${name}.token`, clientId: `client-of-${name}`, roles }
}

export function bearer(name: string): string {
  return `Bearer ${name}.token`
}

/** The value of a header in a raw list, or an empty text. */
export function rawHeader(rawHeaders: readonly string[], name: string): string {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) return rawHeaders[i + 1] ?? ''
  }
  return ''
}

import { request } from 'node:http'
import type { Role } from '../../../demo/roles.ts'
import { ROLES } from '../../../demo/roles.ts'
import type { SampleUpstream, SampleUpstreamOptions } from '../../../demo/upstream.ts'
import { startSampleUpstream } from '../../../demo/upstream.ts'

/** What a plain HTTP client got. */
export interface Got {
  readonly status: number
  readonly reason: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Call {
  readonly method?: string
  readonly path: string
  /** Absent: no `Authorization`. */
  readonly token?: string
  /** `'7'` unless told; `null`: no header. */
  readonly tenant?: string | null
  readonly version?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object | string
}

export type Caller = (call: Call) => Promise<Got>

/** The token that has a role in tenant 7. */
export function tokenOf(role: Role): string {
  return `test-token.${role.toLowerCase()}`
}

interface Closing {
  teardown(run: () => Promise<void>): void
}

/** An upstream with one token and one client id per role, in tenant 7, and a way to call it. */
export async function setUp(
  t: Closing,
  options: SampleUpstreamOptions = {},
): Promise<{ upstream: SampleUpstream; call: Caller }> {
  const upstream = await startSampleUpstream({ customersPerTenant: 30, ...options })
  t.teardown(() => upstream.close())
  for (const role of ROLES) {
    upstream.state.addToken({ token: tokenOf(role), clientId: role, roles: { '7': role } })
  }
  return { upstream, call: (wanted) => call(upstream.port, wanted) }
}

function call(port: number, { method = 'GET', path, body, ...rest }: Call): Promise<Got> {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers: headersFor(rest), agent: false },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const { statusCode: status = 0, statusMessage: reason = '', headers } = response
          resolve({ status, reason, headers, text: Buffer.concat(chunks).toString() })
        })
      },
    )
    outgoing.once('error', reject)
    outgoing.end(text)
  })
}

function headersFor({
  token,
  tenant = '7',
  version,
  headers = {},
}: Omit<Call, 'method' | 'path' | 'body'>): Record<string, string> {
  return {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(tenant === null ? {} : { 'X-TENANT-ID': tenant }),
    ...(version === undefined ? {} : { 'X-API-VERSION': version }),
    ...headers,
  }
}

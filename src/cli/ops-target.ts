/** Which instance a command talks to, and with what token: from `--url` and the configuration, never an argument. */
import { loadOps } from '../config/load.ts'
import type { ConfigSources } from '../config/sources.ts'
import { EXIT, type Result } from './exit-codes.ts'

/** Options of every command that talks to a running instance. */
export interface TargetOptions {
  readonly url?: string
  /** Milliseconds, for each call. */
  readonly timeoutMs: number
}

export interface OpsTarget {
  /** Of the operations listener, without a final slash. */
  readonly base: string
  readonly timeoutMs: number
  /** Null: none is configured here. */
  readonly token: string | null
}

/** Addresses that mean "every interface" and can't be connected to everywhere. */
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** @throws ConfigError when the operations part of the configuration is bad */
export function targetOf(options: TargetOptions, sources: ConfigSources): Result<OpsTarget> {
  const { host, port, adminToken } = loadOps(sources)
  const { url, timeoutMs } = options
  if (url === undefined && port === 0) {
    const line = 'ops.port is 0, so any port may be meant: name the instance with --url'
    return { failure: { exitCode: EXIT.usage, line } }
  }
  // `fetch` would name a value that it can't send in its error.
  if (adminToken !== null && !/^[\x21-\x7e]+$/.test(adminToken)) {
    const line = 'configuration: ops.adminToken: has characters that no header can carry'
    return { failure: { exitCode: EXIT.configuration, line } }
  }
  const base = url ?? `http://${bracketed(WILDCARDS[host] ?? host)}:${port}`
  return { value: { base: base.replace(/\/+$/, ''), timeoutMs, token: adminToken } }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

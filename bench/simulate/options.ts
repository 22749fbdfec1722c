import { parseArgs } from 'node:util'

export interface SimulateOptions {
  readonly hours: number
  readonly seed: number
  /** Share of the writes that come past Layby, 0 to 1. */
  readonly unseen: number
  readonly credentialTtlMs: number
  /** Null: the longer of 15 minutes and the TTL. */
  readonly grantTtlMs: number | null
  readonly isAlike: boolean
  /** Where to write the results as JSON; null: nowhere. */
  readonly json: string | null
}

export const usage = `usage: npm run simulate -- [options]
  --hours N             length of the shift (8)
  --seed N              which shift is drawn (1)
  --unseen N            share of the writes that come past Layby, 0 to 1 (0.25)
  --credential-ttl MIN  cache.credentialTtlMs, in minutes (5)
  --grant-ttl MIN       cache.grantTtlMs, in minutes (the longer of 15 and the TTL)
  --alike               every role is shown the same fields
  --json FILE           write the results there, too
  --quick               a shift of one hour
  --help                this text`

const MINUTE_MS = 60_000

/** Returns undefined when help was asked for. Throws with a line for the user when an option is wrong. */
export function readOptions(args: readonly string[]): SimulateOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      hours: { type: 'string' },
      seed: { type: 'string' },
      unseen: { type: 'string' },
      'credential-ttl': { type: 'string' },
      'grant-ttl': { type: 'string' },
      alike: { type: 'boolean', default: false },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const grantMinutes = values['grant-ttl']
  const credentialMinutes = numberOf('credential-ttl', values['credential-ttl'] ?? '5', 1440)
  return {
    hours: numberOf('hours', values.hours ?? (values.quick ? '1' : '8'), 24),
    seed: numberOf('seed', values.seed ?? '1', 999_999),
    unseen: shareOf('unseen', values.unseen ?? '0.25'),
    credentialTtlMs: credentialMinutes * MINUTE_MS,
    grantTtlMs:
      grantMinutes === undefined ? null : numberOf('grant-ttl', grantMinutes, 1440) * MINUTE_MS,
    isAlike: values.alike,
    json: values.json ?? null,
  }
}

function numberOf(name: string, text: string, most: number): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > most) throw new Error(`--${name} must be a number from 1 to ${most}`)
  return value
}

function shareOf(name: string, text: string): number {
  const value = /^[01](\.[0-9]{1,6})?$/.test(text) ? Number(text) : 2
  if (value > 1) throw new Error(`--${name} must be a number from 0 to 1`)
  return value
}

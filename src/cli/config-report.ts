/** What a configuration comes to: every key, its value, where that is from, and what deserves a second look. Pure. */

import { ineffectiveKeys } from '../config/ineffective-keys.ts'
import { configKeys, valueAt } from '../config/keys.ts'
import type { LoadedConfig } from '../config/load.ts'
import { suggestion, variablesNear } from '../config/near-miss.ts'
import { fileVariableOf } from '../config/secret-files.ts'
import type { ConfigSources, Origin } from '../config/sources.ts'
import { fit, tableLines } from './columns.ts'
import { printable } from './printable.ts'

export interface ReportedValue {
  readonly key: string
  /** As it is in force; of a secret, only whether there is one. */
  readonly value: unknown
  readonly from: Origin
  /** The variable or the file that gave it; null: the defaults. */
  readonly source: string | null
}

export interface ConfigReport {
  readonly values: readonly ReportedValue[]
  readonly warnings: readonly string[]
}

const MASK = '(set, not shown)'
/** What cuts a value that is too long for the table. */
const MAX_VALUE = 44

export function configReport(loaded: LoadedConfig, { environment }: ConfigSources): ConfigReport {
  const values = configKeys().map((key): ReportedValue => {
    const from = loaded.origins.get(key.path) ?? 'default'
    const variable = from === 'secret-file' ? fileVariableOf(key) : key.variable
    const source =
      from === 'default' ? null : from === 'file' ? (environment['LAYBY_CONFIG'] ?? '') : variable
    const plain = valueAt(loaded.config, key.path)
    // One was made for this process; the next has another.
    const isMade = key.path === 'secret' && from === 'default'
    const value = isMade ? '(random)' : key.isSecret ? masked(plain) : plain
    return { key: key.path, value, from, source }
  })
  return { values, warnings: warningsOf(loaded) }
}

/** Of a URL what leads to the server stays, since that is what one looks for; never its user or password. */
function masked(value: unknown): unknown {
  if (value === null || (Array.isArray(value) && value.length === 0)) return value
  if (typeof value !== 'string' || !/^rediss?:/i.test(value)) return MASK
  const { protocol, username, password, host, pathname } = new URL(value)
  const user = username + password === '' ? '' : '***@'
  return `${protocol}//${user}${host}${pathname}`
}

function warningsOf({ config, origins, unknownVariables }: LoadedConfig): string[] {
  const warnings = unknownVariables.map(
    (name) =>
      `${printable(name)}: no configuration key answers to this variable; it has no effect${suggestion(variablesNear(name))}`,
  )
  for (const { key, reason } of ineffectiveKeys(config)) {
    warnings.push(`${key}: has no effect: ${reason}`)
  }
  const { redis } = config
  if (redis.nameSecret === null && (redis.url !== null || redis.nodes.length > 0)) {
    warnings.push(
      'redis.nameSecret: none is set, so whoever reads Redis can find out which tenants and customers are in use (docs/redis.md)',
    )
  }
  if (config.cache.sharing === 'tenant') {
    warnings.push(
      'cache.sharing: every admitted token of a tenant may read every cached customer of it: right only if all see the same (docs/sharing.md)',
    )
  }
  if (origins.get('secret') === 'default') {
    warnings.push(
      'secret: none is set, so one is made for each process: entity tags and credential hashes change with a restart, and differ between instances',
    )
  }
  if (config.ops.adminToken === null) {
    warnings.push(
      'ops.adminToken: none is set, so there is no admin API: nothing can be purged or explained',
    )
  }
  return warnings
}

export function reportLines({ values, warnings }: ConfigReport): string[] {
  const rows = values.map(({ key, value, from, source }) => [
    key,
    fit(shown(value), MAX_VALUE),
    from === 'default' ? 'default' : printable(source ?? ''),
  ])
  const table = tableLines([{ title: 'KEY' }, { title: 'VALUE' }, { title: 'FROM' }], rows)
  const counted = warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`
  return [
    ...table,
    '',
    `The configuration is valid, with ${warnings.length === 0 ? 'no warnings.' : `${counted}:`}`,
    ...warnings.map((warning) => `- ${warning}`),
  ]
}

function shown(value: unknown): string {
  if (value === null) return '(none)'
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : printable(value.join(', '))
  return printable(String(value))
}

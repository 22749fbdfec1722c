/** What the schema finds wrong, as an operator can use it: the key, what its value must be, and what was most likely meant. */
import { ConfigError } from './config-error.ts'
import { configKeys } from './keys.ts'
import { nearTo, suggestion } from './near-miss.ts'
import { meantBy, unitOf } from './units.ts'

/** As TypeBox tells it. */
export interface SchemaError {
  readonly keyword: string
  /** A JSON pointer. */
  readonly instancePath: string
  readonly message: string
  readonly params: {
    readonly additionalProperties?: readonly string[]
    readonly allowedValues?: unknown[]
    readonly type?: unknown
    readonly limit?: unknown
  }
}

/** @param values what was checked */
export function configErrorOf(error: SchemaError, values: unknown): ConfigError {
  const { keyword, instancePath, params } = error
  const parts = instancePath.split('/').slice(1)
  if (keyword === 'additionalProperties' || keyword === 'boolean') {
    const unknown = [...parts, params.additionalProperties?.[0]].filter(Boolean).join('.')
    return new ConfigError(unknown, `there is no such key${suggestion(nearTo(unknown, paths()))}`)
  }
  // A member of a list is named by the key of the list.
  const path = parts.filter((part) => !/^[0-9]+$/.test(part)).join('.')
  const value = parts.reduce<unknown>((inner, part) => (inner as Json | undefined)?.[part], values)
  return new ConfigError(path === '' ? 'configuration' : path, reasonOf(path, error, value))
}

type Json = Readonly<Record<string, unknown>>

/** Keys and groups. */
function paths(): string[] {
  const groups = configKeys().flatMap(({ path }) => {
    const parts = path.split('.')
    return parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join('.'))
  })
  return [...new Set([...configKeys().map(({ path }) => path), ...groups])]
}

function reasonOf(path: string, { keyword, message, params }: SchemaError, value: unknown): string {
  const unit = unitOf(path)
  if (keyword === 'type' && (params.type === 'integer' || params.type === 'number')) {
    return numberWanted(path, params.type, value)
  }
  if (keyword === 'type' && params.type === 'boolean') return `must be true or false${meant(value)}`
  if (keyword === 'pattern') return `must have another form: ${formOf(path)}`
  const allowed = params.allowedValues === undefined ? '' : `: ${params.allowedValues.join(', ')}`
  const inUnit = unit === null || params.limit === undefined ? '' : `, in ${unit}`
  return message + allowed + inUnit
}

/** A number is never secret, so the error may name the one that was meant. */
function numberWanted(path: string, type: 'integer' | 'number', value: unknown): string {
  const unit = unitOf(path)
  const kind = type === 'integer' ? 'a whole number' : 'a number'
  const wanted = `must be ${kind}${unit === null ? '' : ` (${unit})`}`
  const number = typeof value === 'string' ? meantBy(path, value) : null
  return number === null ? wanted : `${wanted}: ${unit ?? 'digits'}: ${number}`
}

function meant(value: unknown): string {
  if (/^(?:yes|on|1)$/i.test(String(value))) return ': true'
  return /^(?:no|off|0)$/i.test(String(value)) ? ': false' : ''
}

function formOf(path: string): string {
  const { items } = (configKeys().find((key) => key.path === path)?.schema ?? {}) as {
    readonly items?: { readonly description?: string }
  }
  return items?.description ?? 'see the description of the key'
}

/** The keys of the configuration, one by one: as files name them, and as the environment does. */
import type { TSchema } from 'typebox'
import { ConfigSchema } from './schema.ts'

/** One key of the configuration, as files and the environment name it. */
export interface ConfigKey {
  /** `cache.memory.maxBytes` */
  readonly path: string
  /** `LAYBY_CACHE_MEMORY_MAX_BYTES` */
  readonly variable: string
  readonly schema: TSchema & { readonly default?: unknown; readonly description?: string }
  /** Whether `LAYBY_…_FILE` may name a file that holds the value. */
  readonly isSecret: boolean
}

/** All keys, in the schema's order. */
export function configKeys(schema: TSchema = ConfigSchema, prefix = ''): ConfigKey[] {
  const { properties } = schema as { readonly properties?: Record<string, TSchema> }
  if (properties === undefined) return []
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = prefix === '' ? name : `${prefix}.${name}`
    const below = configKeys(property, path)
    if (below.length > 0) return below
    const isSecret = 'isSecret' in property && property.isSecret === true
    return [{ path, variable: variableOf(path), schema: property, isSecret }]
  })
}

function variableOf(path: string): string {
  const words = path.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replaceAll('.', '_')
  return `LAYBY_${words.toUpperCase()}`
}

/** @param path of a key that the configuration has */
export function valueAt(config: unknown, path: string): unknown {
  let value = config
  for (const name of path.split('.')) value = (value as Record<string, unknown>)[name]
  return value
}

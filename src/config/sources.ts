/**
 * Gathers the values of a configuration from files and environment, and notes where each came from. Judges
 * nothing but their form: the rules are in `load.ts`.
 */
import { ConfigError } from './config-error.ts'
import { jsonFault } from './json-fault.ts'
import { type ConfigKey, configKeys } from './keys.ts'
import { REMOVED_KEYS } from './removed-keys.ts'
import { type Environment, fileVariableOf, withSecretsOfFiles } from './secret-files.ts'
import { problemOfText, readTextFile } from './text-files.ts'

export interface ConfigSources {
  /** `config/default.json`. */
  readonly defaultFile: string
  /** Values of the environment; only `LAYBY_*` are looked at. */
  readonly environment: Environment
}

/**
 * The source that had the last word on a value:
 * - `default`: `config/default.json`;
 * - `file`: the file in `LAYBY_CONFIG`;
 * - `environment`: the key's variable;
 * - `secret-file`: the file that the key's variable with `_FILE` appended names.
 */
export type Origin = 'default' | 'file' | 'environment' | 'secret-file'

export interface Gathered {
  readonly values: Json
  /** Path of each key → where its value is from. */
  readonly origins: ReadonlyMap<string, Origin>
  /** `LAYBY_*` variables that no key answers to: typing errors, or set by an orchestrator. */
  readonly unknownVariables: readonly string[]
}

export type Json = Record<string, unknown>

/** @throws ConfigError when a file can't be read, is no JSON object, or names a key that can't be one */
export function gatherValues({ defaultFile, environment }: ConfigSources): Gathered {
  const values: Json = {}
  merge(values, readJson(defaultFile))
  const ownFile = environment['LAYBY_CONFIG']
  const own = ownFile === undefined || ownFile === '' ? {} : readJson(ownFile)
  checkRemoved(own, environment)
  merge(values, own)
  const read = withSecretsOfFiles(environment)
  if ('fault' in read) throw new ConfigError(read.fault.key, read.fault.reason)
  const origins = new Map<string, Origin>()
  const known = new Set(['LAYBY_CONFIG'])
  for (const key of configKeys()) {
    const { path, variable, schema } = key
    known.add(variable)
    if (key.isSecret) known.add(fileVariableOf(key))
    const parts = path.split('.')
    const text = read.environment[variable]
    if (text === undefined || text === '') {
      origins.set(path, has(own, parts) ? 'file' : 'default')
      continue
    }
    checkText(text, key)
    set(values, parts, typedValue(text, schema as { readonly type?: string }))
    origins.set(path, environment[variable] === text ? 'environment' : 'secret-file')
  }
  const unknownVariables = Object.keys(environment).filter(
    (name) => name.startsWith('LAYBY_') && !known.has(name),
  )
  return { values, origins, unknownVariables }
}

function checkText(text: string, { path, variable }: ConfigKey): void {
  const problem = problemOfText(text)
  if (problem !== null) throw new ConfigError(path, `${problem}: set ${variable} anew`)
}

/** @throws ConfigError that says where a key stands which there is no longer */
function checkRemoved(own: Json, environment: Environment): void {
  for (const { path, variable, reason } of REMOVED_KEYS) {
    if (has(own, path.split('.'))) {
      throw new ConfigError(path, `${reason}: take it out of the file that LAYBY_CONFIG names`)
    }
    if ((environment[variable] ?? '') !== '') {
      throw new ConfigError(path, `${reason}: unset ${variable}`)
    }
  }
}

function has(object: unknown, path: readonly string[]): boolean {
  const [name, ...rest] = path
  if (name === undefined) return true
  return isObject(object) && Object.hasOwn(object, name) && has(object[name], rest)
}

function readJson(file: string): Json {
  const read = readTextFile(file)
  if ('problem' in read) throw new ConfigError(file, read.problem)
  try {
    const value: unknown = JSON.parse(read.text)
    if (isObject(value)) return value
  } catch {
    // Its message would repeat the text, which may hold a secret.
    const fault = jsonFault(read.text)
    if (fault !== null) {
      const { line, column, expected } = fault
      throw new ConfigError(
        file,
        `is no JSON: line ${line}, column ${column}: ${expected} is expected`,
      )
    }
  }
  throw new ConfigError(file, 'is not a JSON object')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function merge(into: Json, from: Json): void {
  for (const [name, value] of Object.entries(from)) {
    // As a plain property it would reach the prototype of every object.
    if (name === '__proto__') throw new ConfigError(name, 'there is no such key')
    const present = into[name]
    if (isObject(value) && isObject(present)) merge(present, value)
    else into[name] = isObject(value) ? structuredClone(value) : value
  }
}

function typedValue(text: string, { type }: { readonly type?: string }): unknown {
  if (type === 'array') return text.split(',').map((each) => each.trim())
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (type === 'integer' || type === 'number')
    return /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : text
  return text
}

function set(into: Json, path: readonly string[], value: unknown): void {
  let object = into
  for (const name of path.slice(0, -1)) {
    if (!isObject(object[name])) object[name] = {}
    object = object[name] as Json
  }
  object[path.at(-1) as string] = value
}

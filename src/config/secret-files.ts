/**
 * Secrets by file, as containers are given them: where a key is secret, its variable with `_FILE` appended may
 * name a file that holds the value, so that the value is in no environment and in no process list.
 */
import { type ConfigKey, configKeys } from './keys.ts'
import { readTextFile } from './text-files.ts'

/** Variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What is wrong, told without a value. */
export interface SecretFault {
  readonly key: string
  readonly reason: string
}

/** The variable that names the file of a secret key: `LAYBY_SECRET_FILE`. */
export function fileVariableOf({ variable }: ConfigKey): string {
  return `${variable}_FILE`
}

/**
 * The environment with the variable of each secret key that is given by file, its value read from there: one line, of which a final line break is no part; for a list as many lines as there are members.
 */
export function withSecretsOfFiles(
  environment: Environment,
): { readonly environment: Environment } | { readonly fault: SecretFault } {
  const read: Record<string, string | undefined> = { ...environment }
  for (const key of configKeys()) {
    const { path, variable, isSecret } = key
    const fileVariable = fileVariableOf(key)
    const file = environment[fileVariable] ?? ''
    if (!isSecret || file === '') continue
    // The reasons name the variable and never the file: whoever put the secret itself where the file's name
    // belongs would find it in the log.
    const fault = (reason: string) => ({ fault: { key: path, reason } })
    if ((environment[variable] ?? '') !== '') {
      return fault(`is set twice, by ${variable} and by ${fileVariable}`)
    }
    const result = readSecret(file, key)
    if ('problem' in result) return fault(`the file that ${fileVariable} names ${result.problem}`)
    read[variable] = result.value
  }
  return { environment: read }
}

function readSecret(
  file: string,
  { schema }: ConfigKey,
): { readonly value: string } | { readonly problem: string } {
  const read = readTextFile(file)
  if ('problem' in read) return read
  const lines = read.text.replace(/\r?\n$/, '').split(/\r?\n/)
  if ('type' in schema && schema.type === 'array') return { value: lines.join(',') }
  if (lines.length > 1) return { problem: 'has more than one line' }
  const [value = ''] = lines
  return value === '' ? { problem: 'is empty' } : { value }
}

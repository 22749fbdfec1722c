/** The files of deploy/, as their readers see them. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { configKeys } from '../../../src/config/keys.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { fileVariableOf } from '../../../src/config/secret-files.ts'

export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

export function textOf(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8')
}

/** The documents of a YAML file, anchors and merges resolved. */
export function documentsOf(path: string): unknown[] {
  return parseAllDocuments(textOf(path), { merge: true }).map((document) => {
    const [error] = [...document.errors, ...document.warnings]
    if (error !== undefined) throw error
    return document.toJS() as unknown
  })
}

/** Paths below a folder, from the root of the repository, without what git ignores. */
export function pathsBelow(folder: string): string[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length))
    .filter((path) => !path.startsWith('deploy/secrets/'))
}

/** What Layby makes of the variables of a deployment, its secrets in place of their files. */
export function configOf(variables: Readonly<Record<string, string>>): Config {
  const environment: Record<string, string> = { ...variables }
  for (const key of configKeys()) {
    const fileVariable = fileVariableOf(key)
    if (environment[fileVariable] === undefined) continue
    delete environment[fileVariable]
    environment[key.variable] = 'for-tests-only-32-characters-or-more'
  }
  return loadConfig({ defaultFile: `${ROOT}config/default.json`, environment }).config
}

/** The time for which the longest cached read may be under way, in milliseconds. */
export function longestReadMs({ upstream }: Config): number {
  return upstream.connectTimeoutMs + upstream.totalTimeoutMs
}

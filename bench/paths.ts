import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Compiled to .build/bench/, so the repository is two levels up. */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url))

/** A file that tsc does not copy: Lua script, configuration template, result. */
export function benchFile(...parts: readonly string[]): string {
  return join(repositoryRoot, 'bench', ...parts)
}

/** A program of the benchmark in its compiled form. */
export function compiledPeer(name: string): string {
  return fileURLToPath(new URL(`./peers/${name}.js`, import.meta.url))
}

export const laybyProgram = join(repositoryRoot, '.build', 'src', 'main.js')

/** Servers live in sbin, which an ordinary user's PATH often lacks. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...folders, '/usr/local/sbin', '/usr/sbin', '/sbin']
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path))
}

/** The pages that are checked, and what of the repository they may name. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentedProgram } from '../command-line.ts'
import type { Fault } from './faults.ts'
import { type Repository, referenceFaults } from './references.ts'

/** Its first command installs what all others need. */
export const INSTALLING_PAGE = 'README.md'

export function pagesOf(root: string): string[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return [INSTALLING_PAGE, ...pages.sort().map((name) => `docs/${name}`)]
}

function repositoryAt(root: string): Repository {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8')
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const { commands } = documentedProgram(() => {})
  return {
    has: (path) => existsSync(join(root, path)),
    page: (path) => (path.endsWith('.md') ? read(path) : null),
    scripts: Object.keys(scripts),
    commands: new Map(
      commands.map((each) => [
        each.name(),
        ['--help', ...each.options.map(({ long }) => long ?? '')],
      ]),
    ),
  }
}

export function brokenReferences(root: string, pages: readonly string[]): Fault[] {
  const repository = repositoryAt(root)
  return pages.flatMap((page) =>
    referenceFaults(page, readFileSync(join(root, page), 'utf8'), repository),
  )
}

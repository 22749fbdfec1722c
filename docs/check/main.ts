/**
 * `npm run docs:check`: runs the commands of README.md and docs/*.md in a clean copy, and compares what is claimed with
 * what comes. `npm run docs:check -- docs/admin.md` checks one page. See docs/docs-check.md.
 */
import { execFileSync } from 'node:child_process'
import { accessSync, constants, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { progress } from '../../bench/progress.ts'
import { checkPages } from './check.ts'
import { killAll, newcomerEnvironment } from './children.ts'
import { faultText } from './faults.ts'
import { brokenReferences, INSTALLING_PAGE, pagesOf } from './repository.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** More where other work keeps the machine busy. */
const BUDGET_MS = 1_000 * Number(process.env['DOCS_CHECK_SECONDS'] ?? 180)
const END_MS = 15_000
/** What a clone does not have. */
const LEFT_OUT = ['.git', '.build', '.tap', 'dist', 'node_modules']

function copyOf(root: string, pages: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'layby-clone-'))
  for (const name of readdirSync(root)) {
    if (!LEFT_OUT.includes(name)) cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  // That is what the README says first; pages that are checked without it need it too.
  if (!pages.includes(INSTALLING_PAGE)) {
    const env = newcomerEnvironment(process.env)
    execFileSync('npm', ['ci'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return folder
}

function hasProgram(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function main(): Promise<void> {
  const asked = process.argv.slice(2)
  const pages = asked.length > 0 ? asked : pagesOf(ROOT)
  const folder = copyOf(ROOT, pages)
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      killAll()
      remove()
      process.exit(code)
    })
  }
  const startedAt = performance.now()
  try {
    const checked = await checkPages({
      folder,
      pages,
      budgetMs: BUDGET_MS,
      endMs: END_MS,
      has: hasProgram,
      onStep: (page, { kind, line, script }) =>
        progress(`${page}:${line} ${kind}: ${script.split('\n')[0]}`),
    })
    const faults = [...brokenReferences(ROOT, pages), ...checked.faults]
    for (const { page, line, reason } of checked.skipped) {
      console.log(`skipped ${page}:${line}: ${reason}`)
    }
    for (const fault of faults) console.error(faultText(fault))
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    console.log(
      `${pages.length} pages: ${checked.ran} blocks run, ${checked.started} started, ` +
        `${checked.skipped.length} skipped, ${faults.length} wrong, ${seconds} s`,
    )
    if (faults.length > 0) process.exitCode = 1
  } finally {
    remove()
  }
}

await main()

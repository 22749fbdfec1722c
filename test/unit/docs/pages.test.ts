/** What can be checked of the pages without running their commands: `npm run docs:check` does the rest. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parsePage } from '../../../docs/check/page.ts'
import { brokenReferences, pagesOf } from '../../../docs/check/repository.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const pages = pagesOf(ROOT)

t.test('every block of commands says whether it is run, started or skipped', (t) => {
  t.ok(pages.length > 15)
  for (const page of pages) {
    t.strictSame(parsePage(page, readFileSync(join(ROOT, page), 'utf8')).faults, [], page)
  }
  t.end()
})

t.test('links, headings, scripts and commands that a page names are there', (t) => {
  t.strictSame(brokenReferences(ROOT, [...pages, 'bench/README.md', 'CHANGELOG.md']), [])
  t.end()
})

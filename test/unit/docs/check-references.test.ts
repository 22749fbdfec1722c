/** What `npm run docs:check` finds in links and names of scripts. */
import t from 'tap'
import { anchorsOf, referenceFaults } from '../../../docs/check/references.ts'

const PAGES: Readonly<Record<string, string>> = {
  'README.md': '# Layby\n## Quick start\n',
  'docs/a.md': '# A\n### What it is: `x`\n## Twice\n## Twice\n',
}
const repository = {
  has: (path: string) => path in PAGES || path === 'docs',
  page: (path: string) => PAGES[path] ?? null,
  scripts: ['demo', 'docs:check'],
  commands: new Map([
    ['purge', ['--help', '--tenant', '--all']],
    ['top', ['--help', '--once']],
  ]),
}

t.test('a link leads to a file that is there, and to a heading that it has', (t) => {
  const good = '[a](a.md) [b](../README.md#quick-start) [c](#here) [d](https://x.example/y) [e](.)'
  t.strictSame(referenceFaults('docs/b.md', good.replace('#here', 'a.md#twice-1'), repository), [])
  t.match(referenceFaults('docs/b.md', 'x\n[a](c.md)', repository), [
    { page: 'docs/b.md', line: 2, claimed: '](c.md)', came: 'there is no docs/c.md' },
  ])
  t.match(referenceFaults('docs/a.md', '[a](#none)', repository), [
    { came: 'docs/a.md has no such heading' },
  ])
  t.strictSame(referenceFaults('docs/a.md', '```\n[a](none.md)\n```', repository), [])
  t.end()
})

t.test('a script that is named is in package.json, in commands too', (t) => {
  const text = '`npm run demo -- --redis`\n```sh\nnpm run docs:check\nnpm run --silent build\n```'
  t.match(referenceFaults('README.md', text, repository), [
    { line: 4, claimed: 'npm run --silent build', came: 'package.json has no such script' },
  ])
  t.end()
})

t.test('a command of layby that is named is there, with its options', (t) => {
  const good =
    'Run `layby purge --tenant … --all`, `layby --help`, `layby help top` or `npx layby top`; layby is it'
  t.strictSame(referenceFaults('README.md', good, repository), [])
  t.match(referenceFaults('README.md', '`layby purge --customer 5` and `layby walk`', repository), [
    { line: 1, claimed: 'layby purge --customer 5', came: 'layby purge has no option --customer' },
    { claimed: 'layby walk', came: 'layby has no command walk' },
  ])
  const fenced = '```text\nprintf x | layby top --twice\n```'
  t.match(referenceFaults('README.md', fenced, repository), [
    { line: 2, came: 'layby top has no option --twice' },
  ])
  t.end()
})

t.test('headings are named as GitHub names them', (t) => {
  t.strictSame(anchorsOf(PAGES['docs/a.md'] as string), ['a', 'what-it-is-x', 'twice', 'twice-1'])
  t.end()
})

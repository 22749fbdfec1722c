/** One version in all places that name it, and the changelog tells of it first. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

/** Images of ours, and what charts and build arguments say of them. */
const NAMED =
  /(?:\blayby[a-z-]*:|^ARG VERSION=|\bnewTag: |\bappVersion: |^version: )"?(\d+\.\d+\.\d+)\b/gm

t.test('the lockfile and every file for deployment name the version of package.json', (t) => {
  const lock = JSON.parse(read('package-lock.json')) as {
    version: string
    packages: Record<string, { version: string }>
  }
  t.equal(lock.version, version)
  t.equal(lock.packages['']?.version, version)
  const files = readdirSync(join(ROOT, 'deploy'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .filter((file) => /\.ya?ml$/.test(file))
  const named = ['Dockerfile', ...files].flatMap((file) =>
    [...read(file).matchAll(NAMED)].map(([, found]) => ({ file, version: found })),
  )
  t.ok(named.length >= 4)
  for (const place of named) t.strictSame(place, { file: place.file, version })
  t.end()
})

t.test('the changelog has versions with their days, the newest first', (t) => {
  const headings = read('CHANGELOG.md').match(/^## .*$/gm) ?? []
  const released = headings.filter((heading) => heading !== '## Unreleased')
  t.ok(released.length >= 2)
  const parsed = released.map((heading) =>
    /^## (\d+)\.(\d+)\.(\d+) \((\d{4}-\d\d-\d\d)\)$/.exec(heading),
  )
  t.notOk(parsed.includes(null), 'each is "## 1.2.3 (2026-12-01)"')
  t.equal(parsed[0]?.slice(1, 4).join('.'), version)
  const order = parsed.map(
    (each) => Number(each?.[1]) * 1e6 + Number(each?.[2]) * 1e3 + Number(each?.[3]),
  )
  t.strictSame(
    order,
    [...order].sort((a, b) => b - a),
  )
  const days = parsed.map((each) => each?.[4] ?? '')
  t.strictSame(days, [...days].sort().reverse())
  t.end()
})

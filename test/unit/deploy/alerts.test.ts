import { existsSync } from 'node:fs'
import t from 'tap'
import { documentsOf, ROOT, textOf } from './files.ts'

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string
      readonly annotations?: Readonly<Record<string, string>>
    }[]
  }[]
}

const PAGE = 'docs/operations.md'
const kebabCase = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()

t.test('every alert has a section that says what to do, and every section an alert', (t) => {
  const [file] = documentsOf('deploy/prometheus/alerts.yml') as [Rules]
  const rules = file.groups.flatMap((group) => group.rules)
  const alerts = rules.flatMap(({ alert }) => (alert === undefined ? [] : [alert]))
  const [, below = ''] = textOf(PAGE).split(/^## Alerts$/m)
  const [section = ''] = below.split(/^## /m)
  const titles = [...section.matchAll(/^### (.+)$/gm)].map(([, title]) => title)
  t.ok(alerts.length > 0)
  t.strictSame(titles.sort(), alerts.map(kebabCase).sort())
  for (const { alert = '', annotations = {} } of rules) {
    const link = Object.values(annotations).find((each) => each.includes('operations.md'))
    if (link !== undefined) t.ok(link.endsWith(`#${kebabCase(alert)}`), `${alert}: ${link}`)
  }
  t.end()
})

t.test('every file that the page points to is there, and every heading', (t) => {
  const text = textOf(PAGE)
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
  for (const [, path = '', anchor] of text.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
    if (path === '') t.ok(headings.includes(anchor ?? ''), `#${anchor}`)
    else t.ok(existsSync(`${ROOT}docs/${path}`), path)
  }
  t.end()
})

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

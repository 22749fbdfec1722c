/** The rules of alerts: what is made of them, where they lead, and which job they are about. */
import { existsSync, readdirSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import {
  dashboardWithRunbooks,
  GRAFANA_DASHBOARD,
  headingOf,
  OPERATOR_RULES,
  operatorRules,
  RULES,
  rulesWithRunbooks,
  runbookBase,
} from '../../../docs/alerts.ts'
import { documentsOf, ROOT, textOf } from './files.ts'

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}

const PAGE = 'docs/operations.md'
const MONITOR = 'deploy/kubernetes/service-monitor'
const [file] = documentsOf(RULES) as [Rules]
const rules = file.groups.flatMap((group) => group.rules)
const anchors = new Set(
  [...textOf(PAGE).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)),
)

t.test('every alert has a section that says what to do, and every section an alert', (t) => {
  const [, below = ''] = textOf(PAGE).split(/^## Alerts$/m)
  const [section = ''] = below.split(/^## /m)
  const titles = [...section.matchAll(/^### (.+)$/gm)].map(([, title]) => title)
  t.ok(rules.length > 0)
  t.strictSame(titles.sort(), rules.map(({ alert }) => headingOf(alert)).sort())
  t.end()
})

t.test('every runbook is a URL below the one base, and leads to its section', (t) => {
  const base = new URL(runbookBase())
  t.match(base.protocol, /^https?:$/)
  t.equal(base.hash, '')
  for (const { alert, annotations } of rules) {
    const url = new URL(annotations['runbook_url'] ?? '')
    t.equal(url.href, `${base.href}#${headingOf(alert)}`)
    t.ok(anchors.has(url.hash.slice(1)), `${alert}: ${url.hash}`)
  }
  const links = [...textOf(GRAFANA_DASHBOARD).matchAll(/"url": "([^"]*)"/g)].map(
    ([, url = '']) => url,
  )
  t.ok(links.length > 10)
  for (const link of links) {
    const url = new URL(link)
    t.equal(`${url.origin}${url.pathname}`, base.href)
    t.ok(anchors.has(url.hash.slice(1)), link)
  }
  t.end()
})

t.test('what is generated of rules and base is in step with them, and follows both', (t) => {
  const text = textOf(RULES)
  const dashboard = textOf(GRAFANA_DASHBOARD)
  t.equal(rulesWithRunbooks(text, runbookBase()), text)
  t.equal(dashboardWithRunbooks(dashboard, runbookBase()), dashboard)
  t.equal(operatorRules(text), textOf(OPERATOR_RULES))
  const elsewhere = 'https://wiki.example.org/layby'
  const moved = parse(rulesWithRunbooks(text, elsewhere)) as Rules
  for (const { alert, annotations } of moved.groups.flatMap((group) => group.rules)) {
    t.equal(annotations['runbook_url'], `${elsewhere}#${headingOf(alert)}`)
  }
  t.notOk(dashboardWithRunbooks(dashboard, elsewhere).includes(runbookBase()))
  t.end()
})

t.test('the operator gets the same rules, and rolls them out with the monitor', (t) => {
  const [rule] = documentsOf(OPERATOR_RULES) as [
    { readonly apiVersion: string; readonly kind: string; readonly spec: Rules },
  ]
  t.equal(`${rule.apiVersion} ${rule.kind}`, 'monitoring.coreos.com/v1 PrometheusRule')
  t.strictSame(rule.spec, file)
  const [{ resources }] = documentsOf(`${MONITOR}/kustomization.yaml`) as [
    { readonly resources: readonly string[] },
  ]
  t.ok(resources.every((path) => existsSync(`${ROOT}${MONITOR}/${path}`)))
  t.ok(resources.includes(OPERATOR_RULES.slice(MONITOR.length + 1)))
  t.end()
})

t.test('the job of each scrape configuration of ours is one that the rules are about', (t) => {
  const [monitor] = documentsOf(`${MONITOR}/service-monitor.yaml`) as [
    {
      readonly spec: {
        readonly jobLabel: string
        readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
      }
    },
  ]
  const [service] = documentsOf('deploy/kubernetes/service-ops.yaml') as [
    { readonly metadata: { readonly name: string; readonly labels: Record<string, string> } },
  ]
  const { name, labels } = service.metadata
  for (const [label, value] of Object.entries(monitor.spec.selector.matchLabels)) {
    t.equal(labels[label], value, label)
  }
  const [prometheus] = documentsOf('deploy/prometheus/prometheus.yml') as [
    { readonly scrape_configs: readonly { readonly job_name: string }[] },
  ]
  t.strictSame(
    prometheus.scrape_configs.map(({ job_name }) => job_name),
    ['layby'],
  )
  t.equal(labels[monitor.spec.jobLabel], 'layby', 'the operator gives the same')
  const selectors = rules.flatMap(({ expr }) => [...expr.matchAll(/job=~?"([^"]*)"/g)])
  t.ok(selectors.length > 0)
  for (const [, pattern = ''] of selectors) {
    // Without its jobLabel a monitor gives the name of the Service.
    for (const job of ['layby', name]) t.match(job, new RegExp(`^(?:${pattern})$`))
  }
  t.end()
})

t.test('a rule means Layby: by a metric with its prefix, or by the job', (t) => {
  for (const { alert, expr } of rules) t.match(expr, /\blayby_|job=~"layby/, alert)
  t.end()
})

t.test('every alert is brought about by a test that names it', (t) => {
  const folder = 'test/integration'
  const files = readdirSync(`${ROOT}${folder}`).filter((name) => /^alerts-.*\.test\.ts$/.test(name))
  const cases = files.map((name) => textOf(`${folder}/${name}`)).join('')
  t.ok(files.length > 0)
  // As one of those that fire; titles name it without quotation marks.
  for (const { alert } of rules) t.ok(cases.includes(`'${alert}'`), alert)
  t.end()
})

t.test('every file that the page points to is there, and every heading', (t) => {
  for (const [, path = '', anchor] of textOf(PAGE).matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)) {
    if (path === '') t.ok(anchors.has(anchor ?? ''), `#${anchor}`)
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

/**
 * What is made of `deploy/prometheus/alerts.yml` and `runbooks` of `package.json`: the URL of each alert's runbook, the
 * same rules for the Prometheus operator and the Helm chart, and the links of the Grafana dashboard.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const ROOT = new URL('../../', import.meta.url)
/** Relative to the root of the repository. */
export const RULES = 'deploy/prometheus/alerts.yml'
export const OPERATOR_RULES = 'deploy/kubernetes/service-monitor/prometheus-rule.yaml'
/** A copy: a chart holds no file of another folder. */
export const CHART_RULES = 'deploy/helm/layby/files/alerts.yml'
export const GRAFANA_DASHBOARD = 'deploy/grafana/dashboard.json'

/** Where `docs/operations.md` is read, without an anchor. */
export function runbookBase(): string {
  const text = readFileSync(new URL('package.json', ROOT), 'utf8')
  return (JSON.parse(text) as { readonly runbooks: string }).runbooks
}

/** The heading of an alert in `docs/operations.md`, which is its anchor as well. */
export function headingOf(alert: string): string {
  return alert.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()
}

/** The rules with the URL of its runbook in each. @param base as `runbookBase` gives it */
export function rulesWithRunbooks(rules: string, base: string): string {
  let alert = ''
  const lines = rules.split('\n').map((line) => {
    alert = /^ *- alert: (\w+)$/.exec(line)?.[1] ?? alert
    return line.replace(/^( *runbook_url: ).*$/, `$1${base}#${headingOf(alert)}`)
  })
  return lines.join('\n')
}

/** In the Grafana dashboard a URL with an anchor is a runbook's. */
export function dashboardWithRunbooks(dashboard: string, base: string): string {
  return dashboard.replaceAll(/("url": ")[^"#]*(#[a-z-]+")/g, `$1${base}$2`)
}

const RULE_HEAD = `# Generated from ${RULES} by \`npm run docs:generate\`: change it there. Where the operator selects rules and monitors by
# a label (of Helm's kube-prometheus-stack: \`release\`), give it to both by an overlay.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: layby
spec:
`

/** The rules as the Prometheus operator takes them, text for text. */
export function operatorRules(rules: string): string {
  const groups = rules.slice(rules.indexOf('groups:\n'))
  return RULE_HEAD + groups.replaceAll(/^(?=.)/gm, '  ')
}

/** Writes all of it. */
export function writeAlerts(): void {
  const at = (path: string): URL => new URL(path, ROOT)
  const base = runbookBase()
  const rules = rulesWithRunbooks(readFileSync(at(RULES), 'utf8'), base)
  writeFileSync(at(RULES), rules)
  writeFileSync(at(CHART_RULES), rules)
  writeFileSync(at(OPERATOR_RULES), operatorRules(rules))
  const dashboard = readFileSync(at(GRAFANA_DASHBOARD), 'utf8')
  writeFileSync(at(GRAFANA_DASHBOARD), dashboardWithRunbooks(dashboard, base))
}

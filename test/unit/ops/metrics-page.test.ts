import { readFileSync } from 'node:fs'
import { collectDefaultMetrics, Registry } from 'prom-client'
import t from 'tap'
import { listedMetrics, metricsPage } from '../../../docs/metrics.ts'

const ROOT = new URL('../../../../', import.meta.url)

t.test('the page of metrics is in step with the registry', (t) => {
  t.equal(readFileSync(new URL('docs/metrics.md', ROOT), 'utf8'), metricsPage())
  t.end()
})

t.test('each metric has the prefix, but for those that prom-client gives every process', (t) => {
  const register = new Registry()
  collectDefaultMetrics({ register })
  const conventional = new Set(register.getMetricsAsArray().map(({ name }) => name))
  const names = listedMetrics().map(({ name }) => name)
  const bare = names.filter((name) => !name.startsWith('layby_'))
  t.ok(bare.length > 10 && names.length - bare.length > 30)
  t.strictSame(
    bare.filter((name) => !conventional.has(name)),
    [],
  )
  for (const name of names) t.match(name, /^[a-z][a-z0-9_]*$/)
  t.end()
})

t.test(
  'each metric says what it means, in base units, and has labels that the page explains',
  (t) => {
    const page = metricsPage()
    for (const { name, help, type, labelNames } of listedMetrics()) {
      t.ok(help.length > 10, name)
      if (type === 'counter') t.match(name, /_total$/)
      t.notMatch(name, /_(ms|milliseconds|kb|percent)\b/)
      if (/^(process|nodejs)_/.test(name)) continue
      for (const label of labelNames) t.ok(page.includes(`| \`${label}\` |`), label)
    }
    t.end()
  },
)

/**
 * The two texts in which metrics are told: Prometheus text 0.0.4 and OpenMetrics 1.0. Pure. By hand and not by
 * prom-client's registry, which has one format for its life: to switch it renames its counters for good.
 */
import type { Sample } from './instruments.ts'

export interface MetricFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly values: readonly Sample[]
}

export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

const TOTAL = '_total'

export function expose(families: readonly MetricFamily[], format: ExpositionFormat): string {
  const text = families.map((family) => familyText(family, format)).join('')
  return format === 'openmetrics' ? `${text}# EOF\n` : text
}

function familyText({ name, help, type, values }: MetricFamily, format: ExpositionFormat): string {
  const isOpen = format === 'openmetrics'
  // OpenMetrics: a counter's family has the name without the suffix that its samples have.
  const isBare = isOpen && type === 'counter' && name.endsWith(TOTAL)
  const family = isBare ? name.slice(0, -TOTAL.length) : name
  const head = `# HELP ${family} ${escapedHelp(help, isOpen)}\n# TYPE ${family} ${type}\n`
  return head + values.map((sample) => sampleLine(name, sample, isOpen)).join('')
}

function sampleLine(family: string, sample: Sample, isOpen: boolean): string {
  const { metricName = family, labels, value, exemplar } = sample
  const told = isOpen && exemplar != null ? ` # ${exemplarText(exemplar)}` : ''
  return `${metricName}${labelText(labels, isOpen)} ${numberText(value)}${told}\n`
}

function exemplarText({ labelSet, value, timestamp }: NonNullable<Sample['exemplar']>): string {
  return `${labelText(labelSet, true)} ${numberText(value)} ${timestamp.toFixed(3)}`
}

function labelText(labels: Sample['labels'], isOpen: boolean): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    const text = name === 'le' ? boundText(value, isOpen) : String(value)
    return `${name}="${escaped(text).replaceAll('"', '\\"')}"`
  })
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

/** OpenMetrics writes whole bounds as floats, so that all who expose them agree (section "Canonical Numbers"). */
function boundText(bound: string | number, isOpen: boolean): string {
  return isOpen && Number.isInteger(bound) ? `${bound}.0` : String(bound)
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value)
  return value > 0 ? '+Inf' : '-Inf'
}

function escapedHelp(help: string, isOpen: boolean): string {
  return isOpen ? escaped(help).replaceAll('"', '\\"') : escaped(help)
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

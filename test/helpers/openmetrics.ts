/** A strict reader of OpenMetrics 1.0 text: it refuses what the specification forbids, of what we make use of. */

export interface OpenMetricsSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar: {
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
    readonly timestamp: number
  } | null
}

export interface OpenMetricsFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: OpenMetricsSample[]
}

const NUMBER = '(?:[+-]?(?:\\d+\\.?\\d*(?:e[+-]?\\d+)?|Inf)|NaN)'
const LABELS = '(?:\\{((?:[a-zA-Z_]\\w*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*)\\})?'
const SAMPLE = new RegExp(
  `^([a-zA-Z_:][\\w:]*)${LABELS} (${NUMBER})(?: # ${LABELS} (${NUMBER}) (\\d+(?:\\.\\d+)?))?$`,
)
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
}

/** @throws Error that names the line */
export function parseOpenMetrics(text: string): OpenMetricsFamily[] {
  if (!text.endsWith('# EOF\n')) throw new Error('the text must end with # EOF')
  const families = new Map<
    string,
    { name: string; type: string; help: string; samples: OpenMetricsSample[] }
  >()
  let current = { name: '', type: '', help: '', samples: [] as OpenMetricsSample[] }
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const described = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line)
    if (described !== null) {
      const [, what, name, rest] = described as unknown as [string, string, string, string]
      if (name !== current.name) {
        if (families.has(name)) throw new Error(`interleaved or doubled: ${line}`)
        current = { name, type: '', help: '', samples: [] }
        families.set(name, current)
      }
      if (current.samples.length > 0) throw new Error(`described after its samples: ${line}`)
      if (what === 'TYPE') current.type = rest
      if (what === 'HELP') current.help = rest
      continue
    }
    current.samples.push(sampleOf(line, current))
  }
  for (const family of families.values()) check(family)
  return [...families.values()]
}

function sampleOf(line: string, family: { readonly name: string; readonly type: string }) {
  const found = SAMPLE.exec(line)
  if (found === null) throw new Error(`no sample: ${line}`)
  const [, name = '', labels, value = '', exemplarLabels, exemplarValue, timestamp] = found
  const suffixes = SUFFIXES[family.type]
  if (suffixes === undefined) throw new Error(`unknown type ${family.type}: ${line}`)
  if (!suffixes.some((suffix) => name === family.name + suffix)) {
    throw new Error(`no sample of ${family.name} (${family.type}): ${line}`)
  }
  const told =
    exemplarValue === undefined ? null : exemplar(exemplarLabels, exemplarValue, timestamp)
  if (told !== null && !/_(bucket|total)$/.test(name)) throw new Error(`no exemplar here: ${line}`)
  return { name, labels: labelsOf(labels), value: numberOf(value), exemplar: told }
}

function exemplar(labels: string | undefined, value: string, timestamp: string | undefined) {
  const read = labelsOf(labels)
  const length = Object.entries(read).join('').length
  if (length > 128) throw new Error(`an exemplar of ${length} characters`)
  return { labels: read, value: numberOf(value), timestamp: Number(timestamp) }
}

function labelsOf(text = ''): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [, name = '', value = ''] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in labels) throw new Error(`a label twice: ${text}`)
    labels[name] = value
  }
  return labels
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

function check({ name, type, samples }: OpenMetricsFamily): void {
  const seen = new Set<string>()
  for (const sample of samples) {
    const identity = sample.name + JSON.stringify(Object.entries(sample.labels).sort())
    if (seen.has(identity)) throw new Error(`a series twice: ${identity}`)
    seen.add(identity)
  }
  if (type !== 'histogram') return
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`)
  for (const [identity, each] of groups(buckets)) checkBuckets(identity, each)
}

function groups(buckets: readonly OpenMetricsSample[]): Map<string, OpenMetricsSample[]> {
  const found = new Map<string, OpenMetricsSample[]>()
  for (const bucket of buckets) {
    const { le: _le, ...rest } = bucket.labels
    const identity = JSON.stringify(rest)
    found.set(identity, [...(found.get(identity) ?? []), bucket])
  }
  return found
}

function checkBuckets(identity: string, buckets: readonly OpenMetricsSample[]): void {
  let below = -Infinity
  let count = 0
  for (const { labels, value, exemplar: told } of buckets) {
    const { le = '' } = labels
    if (/^\d+$/.test(le)) throw new Error(`a bound that is no canonical float: ${le}`)
    const bound = numberOf(le)
    if (!(bound > below) || value < count) throw new Error(`buckets of ${identity} do not ascend`)
    if (told !== null && !(told.value > below && told.value <= bound)) {
      throw new Error(`an exemplar of ${told.value} in the bucket up to ${le}`)
    }
    below = bound
    count = value
  }
  if (below !== Infinity) throw new Error(`${identity} has no bucket for all`)
}

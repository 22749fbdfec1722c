/** Reads what prom-client's registry tells, as numbers. Pure. */

/** A sample as `getMetricsAsJSON()` and `Metric.get()` tell it. */
export interface Sample {
  readonly value: number
  readonly labels: { readonly [label: string]: string | number | undefined }
  /** Of histograms, which tell several series: with its ending. */
  readonly metricName?: string
}

export interface MetricSamples {
  readonly name: string
  readonly values: readonly Sample[]
}

/** As in Prometheus: `counts[i]` observations were at most `bounds[i]`. */
export interface Histogram {
  /** Upper bounds of the buckets, ascending, without the last, which has none. Seconds. */
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly count: number
  readonly sum: number
}

type Filter = (labels: Sample['labels']) => boolean

const ALL: Filter = () => true

export class Samples {
  readonly #byName = new Map<string, readonly Sample[]>()

  constructor(metrics: readonly MetricSamples[]) {
    for (const { name, values } of metrics) this.#byName.set(name, values)
  }

  /** The value of a metric without labels; null: there is none. */
  value(name: string): number | null {
    return this.#of(name)[0]?.value ?? null
  }

  /** Over all series whose labels pass. */
  sum(name: string, passes: Filter = ALL): number {
    let sum = 0
    for (const { labels, value } of this.#of(name)) if (passes(labels)) sum += value
    return sum
  }

  /** The same, for each value of a label. */
  sumBy(name: string, label: string, passes: Filter = ALL): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const { labels, value } of this.#of(name)) {
      const word = labels[label]
      if (word !== undefined && passes(labels)) sums[word] = (sums[word] ?? 0) + value
    }
    return sums
  }

  /** How often a histogram has observed, for each value of a label. */
  countBy(name: string, label: string): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { labels, value, metricName } of this.#of(name)) {
      const word = labels[label]
      if (metricName === `${name}_count` && word !== undefined) counts[word] = value
    }
    return counts
  }

  /** The series whose labels pass: one. Empty: nothing was observed. */
  histogram(name: string, passes: Filter = ALL): Histogram {
    const bounds: number[] = []
    const counts: number[] = []
    let count = 0
    let sum = 0
    for (const { labels, value, metricName } of this.#of(name)) {
      if (!passes(labels)) continue
      if (metricName === `${name}_sum`) sum = value
      else if (metricName === `${name}_count`) count = value
      else if (Number.isFinite(Number(labels['le']))) {
        bounds.push(Number(labels['le']))
        counts.push(value)
      }
    }
    return { bounds, counts, count, sum }
  }

  /** The values that a label has. */
  words(name: string, label: string): string[] {
    const found = new Set(this.#of(name).map(({ labels }) => String(labels[label] ?? '')))
    found.delete('')
    return [...found]
  }

  #of(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? []
  }
}

/**
 * Counters and histograms of which an update costs a few additions: no label is looked up and nothing is
 * allocated when something is counted, only when a series is made. They stand in prom-client's registry
 * beside its own, which look a series up by a text put together for every update.
 */
import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client'
import type { Clock } from '../lib/clock.ts'

/** One time series of a counter. */
export interface Count {
  total: number
}

/** The last observation of a bucket whose trace is known (OpenMetrics 1.0, "Exemplars"). */
export interface Exemplar {
  readonly labelSet: { readonly trace_id: string }
  readonly value: number
  /** Seconds since 1970-01-01 UTC. */
  readonly timestamp: number
}

export interface Family<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly Label[]
}

type Labels<Label extends string> = Readonly<Record<Label, string>>

export class CounterFamily<Label extends string = never> {
  readonly #series: { readonly labels: Labels<Label>; readonly count: Count }[] = []

  constructor(registry: Registry, family: Family<Label>) {
    register(registry, family, 'counter', () =>
      this.#series.map(({ labels, count }) => ({ labels, value: count.total })),
    )
  }

  /** A new series, at zero; to be asked for once for each set of labels. */
  series(labels: Labels<Label>): Count {
    const count = { total: 0 }
    this.#series.push({ labels, count })
    return count
  }

  get size(): number {
    return this.#series.length
  }
}

/** One time series of a histogram. */
export class Distribution {
  readonly #bounds: readonly number[]
  readonly #clock: Pick<Clock, 'wall'>
  /** One for each bound, and one for what is above all. */
  readonly #counts: Float64Array
  readonly #exemplars: (Exemplar | null)[]
  #sum = 0

  constructor(bounds: readonly number[], clock: Pick<Clock, 'wall'>) {
    this.#bounds = bounds
    this.#clock = clock
    this.#counts = new Float64Array(bounds.length + 1)
    this.#exemplars = new Array<Exemplar | null>(bounds.length + 1).fill(null)
  }

  observe(value: number, traceId: string | null = null): void {
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#sum += value
    if (traceId !== null) this.#exemplars[at] = this.#exemplar(value, traceId)
  }

  /** Samples as prom-client tells them: buckets are cumulative. */
  samples(name: string, labels: Readonly<Record<string, string>>): Sample[] {
    const samples: Sample[] = []
    let count = 0
    for (const [at, inBucket] of this.#counts.entries()) {
      count += inBucket
      const bucket = { ...labels, le: this.#bounds[at] ?? '+Inf' }
      const exemplar = this.#exemplars[at] ?? null
      samples.push({ metricName: `${name}_bucket`, labels: bucket, value: count, exemplar })
    }
    samples.push({ metricName: `${name}_sum`, labels, value: this.#sum })
    samples.push({ metricName: `${name}_count`, labels, value: count })
    return samples
  }

  #exemplar(value: number, traceId: string): Exemplar {
    return { labelSet: { trace_id: traceId }, value, timestamp: this.#clock.wall() / 1000 }
  }
}

export interface HistogramShape<Label extends string> extends Family<Label> {
  /** Upper bounds of the buckets, ascending; one for all the rest is added. */
  readonly bounds: readonly number[]
}

export class HistogramFamily<Label extends string = never> {
  readonly #series: { readonly labels: Labels<Label>; readonly distribution: Distribution }[] = []
  readonly #bounds: readonly number[]
  readonly #clock: Pick<Clock, 'wall'>

  constructor(registry: Registry, clock: Pick<Clock, 'wall'>, shape: HistogramShape<Label>) {
    this.#bounds = shape.bounds
    this.#clock = clock
    register(registry, shape, 'histogram', () =>
      this.#series.flatMap(({ labels, distribution }) => distribution.samples(shape.name, labels)),
    )
  }

  /** A new series, without observations; to be asked for once for each set of labels. */
  series(labels: Labels<Label>): Distribution {
    const distribution = new Distribution(this.#bounds, this.#clock)
    this.#series.push({ labels, distribution })
    return distribution
  }
}

/** A sample as it is told; `metricName` where it is not the family's own. */
export interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly exemplar?: Exemplar | null
}

/**
 * All that prom-client's registry does with a metric is to ask for its name, and for what it has; its types
 * know only its own classes.
 */
function register(
  registry: Registry,
  { name, help, labelNames }: Family<string>,
  type: 'counter' | 'histogram',
  values: () => readonly Sample[],
): void {
  const get = async (): Promise<MetricObjectWithValues<MetricValue<string>>> => {
    const told = { name, help, type, aggregator: 'sum', values: values() }
    return told as unknown as MetricObjectWithValues<MetricValue<string>>
  }
  registry.registerMetric({ name, help, type, labelNames, get } as unknown as Metric)
}

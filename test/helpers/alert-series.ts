/**
 * Scrapes of a Layby as the input of `promtool test rules`: what its metrics were, step by step, becomes the series over
 * which the alerts are evaluated. A step is 15 s of Prometheus' time, however soon after one another the scrapes were made.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { parse } from 'yaml'

export const RULES_FILE = fileURLToPath(
  new URL('../../../deploy/prometheus/alerts.yml', import.meta.url),
)
export const STEPS_A_MINUTE = 4

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}

export const ALERT_RULES: readonly Rule[] = (
  parse(readFileSync(RULES_FILE, 'utf8')) as RuleFile
).groups.flatMap(({ rules }) => rules)

/** What one scrape has brought: series, with the labels of their target, and their values. */
export interface Scrape {
  readonly values: ReadonlyMap<string, number>
  /** Series of counters and histograms. */
  readonly counted: ReadonlySet<string>
}

export interface InputSeries {
  readonly series: string
  /** As promtool reads them: numbers, `_` for none, `stale` for the end of a series. */
  readonly values: string
}

const JOB = 'layby'

interface Target {
  /** The label. */
  readonly instance?: string
  /** Left out otherwise: on a machine that others use it is as late as they let it be. */
  readonly withEventLoop?: boolean
}

export async function scrape(
  opsUrl: string,
  { instance = 'a', withEventLoop = false }: Target = {},
): Promise<Scrape> {
  const target = `job="${JOB}",instance="${instance}"`
  const reply = await fetch(`${opsUrl}/metrics`).catch(() => null)
  const up = `up{${target}}`
  if (reply === null) return { values: new Map([[up, 0]]), counted: new Set() }
  const found = scrapeOf(await reply.text(), target, new Map([[up, 1]]))
  if (withEventLoop) return found
  const values = [...found.values].filter(([series]) => !series.startsWith('nodejs_eventloop_'))
  return { ...found, values: new Map(values) }
}

function scrapeOf(text: string, target: string, values: Map<string, number>): Scrape {
  const counted = new Set<string>()
  let isCounted = false
  for (const line of text.split('\n')) {
    const type = /^# TYPE \S+ (\w+)$/.exec(line)?.[1]
    if (type !== undefined) isCounted = type === 'counter' || type === 'histogram'
    const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) continue
    const series = `${name}{${labels === undefined ? target : `${target},${labels}`}}`
    values.set(series, Number(value))
    if (isCounted) counted.add(series)
  }
  return { values, counted }
}

/** What Prometheus would have seen of one target or several. */
export class Recording {
  /** One for each step; empty: the target is known no more. */
  readonly #steps: Scrape[] = []

  get minutes(): number {
    return this.#steps.length / STEPS_A_MINUTE
  }

  /** One step. */
  add(...targets: readonly Scrape[]): void {
    this.#steps.push({
      values: new Map(targets.flatMap(({ values }) => [...values])),
      counted: new Set(targets.flatMap(({ counted }) => [...counted])),
    })
  }

  /** Nothing changes for so long. */
  hold(minutes: number): void {
    const last = this.#steps.at(-1) as Scrape
    for (let i = 0; i < minutes * STEPS_A_MINUTE; i++) this.#steps.push(last)
  }

  /** What was counted in the last step is counted in each of so many minutes more. */
  goOn(minutes: number): void {
    const [before, last] = this.#steps.slice(-2) as [Scrape, Scrape]
    for (let i = 1; i <= minutes * STEPS_A_MINUTE; i++) {
      const values = [...last.values].map(([series, value]): [string, number] => {
        const grown = last.counted.has(series) ? value - (before.values.get(series) ?? 0) : 0
        return [series, value + i * grown]
      })
      this.#steps.push({ values: new Map(values), counted: last.counted })
    }
  }

  series(): InputSeries[] {
    const names = new Set(this.#steps.flatMap(({ values }) => [...values.keys()]))
    return [...names].map((series) => {
      let isThere = false
      const values = this.#steps.map((step) => {
        const value = step.values.get(series)
        const wasThere = isThere
        isThere = value !== undefined
        return value === undefined ? (wasThere ? 'stale' : '_') : plain(value)
      })
      return { series, values: values.join(' ') }
    })
  }
}

/** promtool takes no exponents. */
function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(9)
}

/** What fires at a time, and what it says. */
export interface Firing {
  readonly alerts: readonly string[]
  readonly text: string
}

/** @param minute of the series' time */
export function firing(t: Test, series: readonly InputSeries[], minute: number): Firing {
  const directory = mkdtempSync(join(tmpdir(), 'layby-alerts-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'test.yml')
  const alertTests = ALERT_RULES.map(({ alert }) => ({
    eval_time: `${Math.round(minute * 60)}s`,
    alertname: alert,
    exp_alerts: [],
  }))
  const test = { interval: '15s', input_series: series, alert_rule_test: alertTests }
  const whole = { rule_files: [RULES_FILE], evaluation_interval: '15s', tests: [test] }
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(whole))
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const text = stdout + stderr
  const alerts = [...text.matchAll(/alertname: (\w+), time: /g)].map(([, alert = '']) => alert)
  if (status !== 0 && alerts.length === 0) throw new Error(`promtool: ${text.slice(0, 2_000)}`)
  return { alerts: [...new Set(alerts)].sort(), text }
}

/** That these fire at that minute and no others, and say what they are to in words. */
export function expectFiring(
  t: Test,
  series: readonly InputSeries[],
  minute: number,
  alerts: readonly string[],
): void {
  const found = firing(t, series, minute)
  t.strictSame(found.alerts, [...alerts].sort(), `after ${minute} minutes`)
  t.notMatch(found.text, /<no value>|error executing|%!/, 'each template can be filled in')
}

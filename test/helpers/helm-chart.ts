/** The chart of deploy/helm, rendered by test/helpers/helm/main.go, since no Helm is packaged in Debian. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { parse, parseAllDocuments } from 'yaml'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
export const CHART = join(ROOT, 'deploy/helm/layby')

export type Values = Readonly<Record<string, unknown>>

/** An object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export interface Rendered {
  readonly objects: readonly Manifest[]
  readonly notes: string
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** As Helm puts one's own values over the chart's: maps key by key, null takes a key away, all else replaces. */
export function merged(values: Values, own: Values): Values {
  const result: Record<string, unknown> = { ...values }
  for (const [key, value] of Object.entries(own)) {
    const before = result[key]
    if (value === null) delete result[key]
    else result[key] = isMap(before) && isMap(value) ? merged(before, value) : value
  }
  return result
}

const textOf = (path: string): string => readFileSync(join(CHART, path), 'utf8')
const filesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(CHART, folder)).map((name) => [
      `${folder}/${name}`,
      textOf(`${folder}/${name}`),
    ]),
  )

export function valuesWith(own: Values): Values {
  return merged(parse(textOf('values.yaml')) as Values, own)
}

const fits = new Ajv({ strict: false }).compile(JSON.parse(textOf('values.schema.json')) as object)

/** What the chart's schema says against values, or undefined. */
export function schemaFault(own: Values): string | undefined {
  return fits(valuesWith(own)) ? undefined : JSON.stringify(fits.errors)
}

export const hasGo = (): boolean => spawnSync('go', ['version']).status === 0

/** Renders with values over the chart's own. Compiles the renderer once. */
export class ChartRenderer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'layby-chart-'))
  readonly #program = join(this.#folder, 'render')

  constructor() {
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOFLAGS: '',
      GOCACHE: join(this.#folder, 'cache'),
    }
    const source = join(ROOT, 'test/helpers/helm/main.go')
    execFileSync('go', ['build', '-o', this.#program, source], { env })
  }

  render(own: Values = {}, release = 'layby'): Rendered {
    const fault = schemaFault(own)
    if (fault !== undefined) throw new Error(fault)
    const { name, version, appVersion } = parse(textOf('Chart.yaml')) as Record<string, string>
    const input = JSON.stringify({
      Chart: { Name: name, Version: version, AppVersion: appVersion },
      Release: { Name: release, Namespace: 'layby', Service: 'Helm' },
      Values: valuesWith(own),
      Files: filesIn('files'),
      Templates: filesIn('templates'),
    })
    const output = JSON.parse(execFileSync(this.#program, { input, encoding: 'utf8' }))
    const { 'templates/NOTES.txt': notes = '', ...texts } = output as Record<string, string>
    const objects = Object.values(texts).flatMap((text) =>
      parseAllDocuments(text).flatMap((document) => {
        const [error] = [...document.errors, ...document.warnings]
        if (error !== undefined) throw error
        return (document.toJS() as Manifest | null) ?? []
      }),
    )
    return { objects, notes }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true })
  }
}

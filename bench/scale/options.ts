import { parseArgs } from 'node:util'

export const PARTS = ['hits', 'idle', 'entries'] as const
export type Part = (typeof PARTS)[number]

export type ScaleOptions = {
  readonly parts: readonly Part[]
  readonly requests: number
  readonly connections: number
  readonly idleSeconds: number
  /** Rising. */
  readonly sizes: readonly number[]
  readonly rounds: number
  /** Smaller than what the figures that are kept are made of. */
  readonly isReduced: boolean
}

const FULL = {
  requests: 10_000_000,
  connections: 10_000,
  idleSeconds: 30,
  sizes: [1_000, 10_000, 100_000, 1_000_000],
  rounds: 31,
}
const QUICK = {
  requests: 300_000,
  connections: 500,
  idleSeconds: 3,
  sizes: [1_000, 10_000],
  rounds: 7,
}

export const usage = `usage: npm run bench:scale -- [options]
  --only a,b        of ${PARTS.join(', ')}
  --requests N      hits: how many are answered (10000000)
  --connections N   idle: how many are open (10000)
  --entries N       entries: largest size (1000000)
  --quick           all of it small: does it work
  --help            this text`

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Error(`--${name} must be a whole number above 0`)
  return Number(text)
}

function partsOf(text: string | undefined): readonly Part[] {
  if (text === undefined) return PARTS
  const names = text.split(',')
  const unknown = names.filter((name) => !PARTS.some((part) => part === name))
  if (unknown.length > 0) throw new Error(`--only knows ${PARTS.join(', ')}; not ${unknown}`)
  return PARTS.filter((part) => names.includes(part))
}

/** Returns undefined when help was asked for. */
export function readOptions(args: readonly string[]): ScaleOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      requests: { type: 'string' },
      connections: { type: 'string' },
      entries: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const usual = values.quick ? QUICK : FULL
  const largest = wholeNumber('entries', values.entries, usual.sizes.at(-1)!)
  const options = {
    requests: wholeNumber('requests', values.requests, usual.requests),
    connections: wholeNumber('connections', values.connections, usual.connections),
    idleSeconds: usual.idleSeconds,
    sizes: [...usual.sizes.filter((size) => size < largest), largest],
    rounds: usual.rounds,
  }
  const isReduced = JSON.stringify(options) !== JSON.stringify(FULL)
  return { ...options, parts: partsOf(values.only), isReduced }
}

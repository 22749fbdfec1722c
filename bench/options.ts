import { parseArgs } from 'node:util'

export type BenchOptions = {
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Ids of contestants or scenarios; empty means all. */
  readonly only: readonly string[]
  readonly quick: boolean
}

export const usage = `usage: npm run bench -- [options]
  --rounds N    timed rounds per row (3)
  --seconds N   seconds per timed run (8)
  --only a,b    contestants (layby, nginx, varnish, nginx-gzip, varnish-gzip, layby-tls, nginx-tls,
                plain-http-proxy, bare-node, bare-socket, stand-in-upstream) and scenarios (hit, not-modified,
                half-load, hit-identity, hit-gzip, cold-miss, hit-tls, pass-through) to keep
  --quick       one round of two seconds: does it work, not how fast
  --help        this text`

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new Error(`--${name} must be a number from 1 to 9999`)
  return Number(text)
}

/** Returns undefined when help was asked for. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { quick } = values
  return {
    rounds: wholeNumber('rounds', values.rounds, quick ? 1 : 3),
    seconds: wholeNumber('seconds', values.seconds, quick ? 2 : 8),
    // Long enough for V8 to optimise the hit path: below about two seconds the Node rows still fall.
    warmupSeconds: quick ? 1 : 3,
    only: (values.only ?? '').split(',').filter((id) => id !== ''),
    quick,
  }
}

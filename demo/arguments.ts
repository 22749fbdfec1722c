/** The command line of the demo. */
import { parseArgs } from 'node:util'

export const USAGE = `npm run demo -- [options]

A sample API, Layby in front of it, and lines to try. Stop with Ctrl+C.

  --redis        a second Layby, and a Redis that the two share
                 (needs redis-server, or LAYBY_REDIS_URL)
  --traffic      sample traffic of four companies, until the end
  --delay <ms>   how long the sample API takes for an answer (150)
  --help         this text

It listens on 127.0.0.1: Layby on 8003 and 9003 (operations), the sample API on
8004, the second Layby on 8005 and 9005. Any key of the configuration can be set
by its variable: LAYBY_CACHE_TTL_MS=5000 npm run demo`

export interface DemoArguments {
  /** Milliseconds. */
  readonly delayMs: number
  readonly redis: boolean
  readonly traffic: boolean
}

/** `problem`: what is wrong, in one line. */
export type Parsed = DemoArguments | { readonly problem: string } | 'help'

export function parseDemo(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        delay: { type: 'string', default: '150' },
        redis: { type: 'boolean', default: false },
        traffic: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { delay, redis, traffic, help } = values
    if (help) return 'help'
    if (!/^[0-9]{1,6}$/.test(delay)) return { problem: '--delay must be milliseconds, as 150' }
    return { delayMs: Number(delay), redis, traffic }
  } catch (error) {
    return { problem: (error as Error).message.split('. ')[0] ?? '' }
  }
}

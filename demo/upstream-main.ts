import { parseArgs } from 'node:util'
import { benchToken, SAMPLE_TOKENS } from './sample-tokens.ts'
import { startSampleUpstream } from './upstream.ts'

const USAGE =
  'usage: upstream-main [--host 127.0.0.1] [--port 8004] [--delay ms] [--jitter ms] ' +
  '[--tokens n] [--customers n]'

/** The whole number of an option; ends the program with the usage on anything else. */
function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) usage()
  return Number(text)
}

function usage(): never {
  console.error(USAGE)
  process.exit(64)
}

const TEXT = { type: 'string' } as const
const OPTIONS = {
  host: { ...TEXT, default: '127.0.0.1' },
  port: { ...TEXT, default: '8004' },
  delay: { ...TEXT, default: '0' },
  jitter: { ...TEXT, default: '0' },
  tokens: { ...TEXT, default: '0' },
  customers: { ...TEXT, default: '1000' },
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS }).values
  } catch {
    return usage()
  }
}

const given = readArguments()
const upstream = await startSampleUpstream({
  host: given.host,
  port: whole(given.port),
  delayMs: whole(given.delay),
  jitterMs: whole(given.jitter),
  customersPerTenant: whole(given.customers),
})
for (const token of Object.values(SAMPLE_TOKENS)) upstream.state.addToken(token)
for (let index = 0; index < whole(given.tokens); index += 1) {
  upstream.state.addToken(benchToken(index))
}
console.log(`sample upstream on ${upstream.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    upstream.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
}

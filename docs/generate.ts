/**
 * `npm run docs:generate`: writes what is generated from the code: the table in `docs/configuration.md`,
 * `config/default.json`, `docs/problems.md`, `docs/command-line.md` and `docs/metrics.md`, and what `docs/alerts.ts` makes of the alerts. A test fails when one of them is out of step.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Value } from 'typebox/value'
import { MEANINGS, type Topic } from '../src/cache/reasons.ts'
import { configKeys } from '../src/config/keys.ts'
import { ConfigSchema } from '../src/config/schema.ts'
import { PROBLEMS } from '../src/http/problems.ts'
import { writeAlerts } from './alerts.ts'
import { commandLinePage } from './command-line.ts'
import { metricsPage } from './metrics.ts'

const ROOT = new URL('../../', import.meta.url)
const CONFIGURATION_PAGE = fileURLToPath(new URL('docs/configuration.md', ROOT))
const DEFAULTS = fileURLToPath(new URL('config/default.json', ROOT))
const PROBLEMS_PAGE = fileURLToPath(new URL('docs/problems.md', ROOT))
const COMMANDS_PAGE = fileURLToPath(new URL('docs/command-line.md', ROOT))
const EXPLAIN_PAGE = fileURLToPath(new URL('docs/explain.md', ROOT))
const METRICS_PAGE = fileURLToPath(new URL('docs/metrics.md', ROOT))
const BEGIN = '<!-- config:begin -->'
const END = '<!-- config:end -->'

export function configTable(): string {
  const rows = configKeys().map(({ path, variable, schema }) => {
    const fallback = schema.default === null ? '' : `\`${String(schema.default)}\``
    return `| \`${path}\` | \`${variable}\` | ${fallback} | ${schema.description ?? ''} |`
  })
  const table = ['| key | variable | default | meaning |', '|---|---|---|---|', ...rows]
  return [...table, '', secretsByFile()].join('\n')
}

function secretsByFile(): string {
  const paths = configKeys().flatMap(({ path, isSecret }) => (isSecret ? [`\`${path}\``] : []))
  return `Secrets may come by file, as containers are given them: for ${paths.join(', ')} the variable with \`_FILE\`
appended (\`LAYBY_SECRET_FILE\`) names a file that holds the value and nothing else, a final line break aside.`
}

export function defaultFile(): string {
  return `${JSON.stringify(Value.Default(ConfigSchema, {}), null, 2)}\n`
}

/** `docs/configuration.md` with the table in its place. */
export function withTable(page: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin === -1 || end === -1) throw new Error(`the page must have ${BEGIN} and ${END}`)
  return `${page.slice(0, begin + BEGIN.length)}\n${configTable()}\n${page.slice(end)}`
}

const PROBLEMS_INTRODUCTION = `# Errors that Layby answers with itself

Generated from \`src/http/problems.ts\`. Each is \`application/problem+json\` (RFC 9457) with \`Cache-Control: no-store\`, and carries the
API's own members \`field\`, \`detail\` and \`explanation\`, so that clients of the API can read it. \`code\` is stable; nothing of the
request is repeated. Errors of the API itself pass byte for byte.

\`requestSent\` is \`false\` where not a byte of the request has left for the API: it may be repeated as it is. It is \`"maybe"\` where one has, and no
answer came: a write may have been applied, so read before you repeat it. \`explanation\` says the same in words. A call that was tried and failed is
502 or 504; a read that was not tried, since the API has failed repeatedly, is 503 \`upstream_paused\`, and \`Retry-After\` is the time until the next
one is.

| code | status | type | field | what to do |
|---|---|---|---|---|
`

export function problemsPage(): string {
  const rows = Object.entries(PROBLEMS).map(([code, { status, type, field, detail }]) => {
    return `| \`${code}\` | ${status} | \`urn:layby:problem:${type}\` | ${field ?? ''} | ${detail} |`
  })
  return `${PROBLEMS_INTRODUCTION}${rows.join('\n')}\n`
}

const REASONS_BEGIN = '<!-- reasons:begin -->'
const REASONS_END = '<!-- reasons:end -->'
const TOPICS: Readonly<Record<Topic, string>> = {
  lookup:
    'What a look into memory, or into what Redis brings, comes to (`memory.reason`, `redis.brought.reason`)',
  reject:
    'Why an answer is not stored (`lastReject.reason`, and `detail=reject.…` in `Cache-Status`)',
  redis: 'What Redis has to do with it (`redis.state`)',
  assumption: 'On what a prediction rests (`prediction.assumes`)',
}

/** `docs/explain.md` with the tables of reasons in their place. */
export function withReasons(page: string): string {
  const tables = Object.entries(TOPICS).map(([topic, title]) => {
    const rows = Object.entries(MEANINGS[topic as Topic]).map(
      ([reason, { meaning, remedy }]) => `| \`${reason}\` | ${meaning} | ${remedy} |`,
    )
    return [`### ${title}`, '', '| | what it means | what to do |', '|---|---|---|', ...rows].join(
      '\n',
    )
  })
  const begin = page.indexOf(REASONS_BEGIN) + REASONS_BEGIN.length
  return `${page.slice(0, begin)}\n\n${tables.join('\n\n')}\n\n${page.slice(page.indexOf(REASONS_END))}`
}

function main(): void {
  writeFileSync(EXPLAIN_PAGE, withReasons(readFileSync(EXPLAIN_PAGE, 'utf8')))
  writeFileSync(CONFIGURATION_PAGE, withTable(readFileSync(CONFIGURATION_PAGE, 'utf8')))
  writeFileSync(DEFAULTS, defaultFile())
  writeFileSync(PROBLEMS_PAGE, problemsPage())
  writeFileSync(COMMANDS_PAGE, commandLinePage())
  writeFileSync(METRICS_PAGE, metricsPage())
  writeAlerts()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()

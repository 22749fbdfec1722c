/**
 * `npm run docs:reliability -- LOG...`: writes `docs/reliability.md` from the catalogue below and from what the
 * runs have printed (TAP). A figure that the logs don't have stays as it was.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { keptStateSection } from './kept-state.ts'

const PAGE = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url))

interface Row {
  /** As in the catalogue of promises and faults that the project was asked for. */
  readonly id: string
  readonly promise: string
  /** Below `test/`. */
  readonly test: string
  /** The comment that has the figure; null: the test has none but passing. */
  readonly figure: RegExp | null
}

export const ROWS: readonly Row[] = [
  row(
    'S1',
    'nobody gets a body of another tenant or caller',
    'integration/isolation',
    /\{"clean".*\}/,
  ),
  row(
    'S2',
    'each token gets what the API would give it',
    'integration/permission-matrix',
    /^\{"reads".*\}$/,
  ),
  row(
    'S3',
    'a revoked token reads on for its lifetime at most, however often it is used',
    'integration/revocation',
    /^S3: (.*)/,
  ),
  row('S4', 'different requests never have the same key', 'unit/cache/key', null),
  row(
    'S6',
    'no two parties disagree on where a request ends',
    'integration/desync',
    /^\d+ requests told.*/,
  ),
  row(
    'S6',
    'what the fast path takes on, Node reads identically',
    'integration/fast-path-parsers',
    /^\d+ of \d+ accepted.*/,
  ),
  row('S7', 'only allowed headers go upstream', 'integration/desync', null),
  row('S8', 'errors are never stored', 'integration/desync', null),
  row(
    'S10',
    'clients that drip or do not read starve nobody',
    'integration/slow-clients',
    /^S10: (.*)/,
  ),
  row(
    'S11',
    'one tenant cannot starve another',
    'integration/noisy-tenant',
    /^S11, distinct ids: (.*)/,
  ),
  row(
    'S11',
    'nor by what passes through',
    'integration/noisy-tenant',
    /^S11, what passes through: (.*)/,
  ),
  row('S12', 'no token and no personal data in Redis', 'integration/redis-secrecy', null),
  row('S14', 'the upstream is verified', 'integration/upstream-tls', null),
  row(
    'C1',
    'a read after a write through the same instance is never older',
    'integration/read-your-writes',
    /^\d+ hits$/,
  ),
  row(
    'C2',
    'with a healthy bus: 150 ms (p99.9), 500 ms at most',
    'integration/staleness',
    /^\d+ views: .*/,
  ),
  row('C3', 'with any single fault: 2 s', 'integration/coherence', /^\d+ reads, \d+ hits, .*/),
  row('C4', 'a fill from before a write is not stored', 'unit/cache/fence-schedules', null),
  row('C5', 'nothing from before a known write is served stale', 'integration/stale', null),
  row(
    'C8',
    'instances an hour apart, and clocks that jump, change no age but that of what the API dates (F43)',
    'integration/wall-clock',
    null,
  ),
  row('R3', 'Redis is used again within 3 s', 'integration/redis-faults', /^shared again \d+ ms.*/),
  row(
    'R4',
    'memory is flat while Redis hangs',
    'release/redis-connection',
    /^\d+ asked, .* MiB more/,
  ),
  row('R5', 'late replies reach nobody else', 'release/redis-connection', /^\d+ late, .*/),
  row(
    'U1',
    'gateway errors have the right status and tell nothing of the inside',
    'integration/errors-upstream',
    null,
  ),
  row('U2', 'a cold key is asked for once by a process', 'integration/coalesce', null),
  row(
    'U2',
    'a cold key is asked for twice at most by three instances',
    'integration/redis-bursts',
    /^\d+ upstream requests for \d+ keys$/,
  ),
  row(
    'U2',
    'a body that has just expired is asked for twice at most by three instances',
    'integration/redis-expiry',
    /^U2: (.*\(bodies\).*)/,
  ),
  row(
    'U2',
    'who was given it and may no longer be sure asks twice at most as well',
    'integration/redis-expiry',
    /^U2: (.*\(grants\).*)/,
  ),
  row(
    'U3',
    'a leader that leaves harms no follower (F40)',
    'integration/upstream-promises',
    /^U3: (.*)/,
  ),
  row('U4', 'writes are sent exactly once', 'integration/upstream-promises', /^U4: (.*)/),
  row(
    'U5',
    'an upstream in trouble is asked no more often',
    'integration/upstream-promises',
    /^U5: (.*)/,
  ),
  row(
    'U5',
    'a read is sent again at most once, within a budget of a tenth',
    'integration/upstream-guards',
    null,
  ),
  row('U6', 'overload sheds instead of collapsing', 'unit/upstream/lanes', /^\d+ admitted of .*/),
  row('U7', 'known readers keep reading while the API is down', 'integration/stale', null),
  row(
    'U8',
    'everything has a deadline, and lets go of its connection',
    'integration/upstream-deadlines',
    /^U8: (.*)/,
  ),
  row('F19', 'nobody listens: 502', 'integration/errors-upstream', null),
  row(
    'F20',
    'a name that leads nowhere: 502, and no failure is remembered',
    'integration/upstream-names',
    /^F20: (ENOTFOUND.*)/,
  ),
  row(
    'F21',
    'connections are swallowed: 504 at the deadline for connecting',
    'integration/upstream-faults',
    null,
  ),
  row('F22', 'no head: 504 at its deadline', 'integration/errors-upstream', null),
  row('F23', 'a head and then silence: 504, or no clean end', 'integration/errors-upstream', null),
  row('F24', 'a body that breaks off: 502, or no clean end', 'integration/errors-upstream', null),
  row('F25', 'what is no HTTP: 502', 'integration/errors-upstream', null),
  row(
    'F26',
    '503 for half: known readers keep reading, asked no more often',
    'integration/upstream-trouble',
    /^F26: (50 %.*)/,
  ),
  row(
    'F26',
    '503 for all: known readers keep reading, asked once a second',
    'integration/upstream-trouble',
    /^F26: (100 %.*)/,
  ),
  row('F27', '429: passed on, and heeded for the tenant', 'integration/upstream-guards', null),
  row('F28', 'a body of 200 MB takes no memory', 'integration/process-limits', /^F28: (.*)/),
  row(
    'F29',
    'a byte now and then: 504 at the total deadline',
    'integration/upstream-deadlines',
    null,
  ),
  row(
    'F30',
    'HTML, broken JSON, another type: passed on, not stored',
    'integration/client-directives',
    null,
  ),
  row(
    'F31',
    'idle connections that end when used: a read once more, a write never',
    'integration/upstream-trouble',
    /^F31: (.*)/,
  ),
  row(
    'F32',
    'hop-by-hop and malformed fields of an answer reach nobody',
    'unit/upstream/headers',
    null,
  ),
  row(
    'F34',
    'redirects are passed on, interim answers are not stored',
    'integration/upstream-faults',
    null,
  ),
  row('F35', 'what the API forbids to store is not stored', 'integration/client-directives', null),
  row(
    'F37',
    'one process of three is killed: the others lose nothing',
    'integration/processes-coherence',
    /^\d+ reads, \d+ hits, \d+ writes, \d+ lost$/,
  ),
  row(
    'F38',
    'a process stands still: writes wait for it once, and nothing old is read',
    'integration/processes-coherence',
    null,
  ),
  row(
    'F41',
    'a heap of 128 MB suffices for 64 MiB of memory tier',
    'integration/process-limits',
    /^F41: (.*)/,
  ),
  row(
    'F42',
    'a port in use, a file that can not be read: one line, code 78',
    'integration/process',
    null,
  ),
  row(
    'F42',
    'a TLS key that does not fit: the key of the configuration is named',
    'integration/public-tls',
    null,
  ),
  row(
    'U9',
    'a flapping upstream is tried once a second (F33)',
    'integration/upstream-promises',
    /^U9: (.*)/,
  ),
  row('U9', 'the breaker opens, tries once a second, closes', 'integration/upstream-guards', null),
  row('P1', 'restarts under load lose nothing (F36)', 'integration/rolling-restart', /^P1: (.*)/),
  row('P2', 'the memory tier is bounded in bytes', 'contract/memory-store', null),
  row('P2', 'memory stays, however much is read', 'integration/memory-plateau', /^P2: (.*)/),
  row('P3', 'an instance short of time sheds what is not in memory', 'integration/pressure', null),
  row(
    'P3',
    'a process that stands still for two seconds answers nothing wrong, and lives',
    'integration/process-stalls',
    /^P3: (a stall .* above .*)/,
  ),
  row(
    'P3',
    'nothing ends an instance that was silent for less than ten seconds',
    'unit/deploy/kubernetes',
    /^P3: (the liveness .*)/,
  ),
  row(
    'P4',
    'without file descriptors it lives on, and recovers (F39)',
    'integration/process-limits',
    /^F39: (.*)/,
  ),
  row('P5', 'a bad configuration is one line with the key', 'unit/config/bad-configurations', null),
]

function row(id: string, promise: string, test: string, figure: RegExp | null): Row {
  return { id, promise, test, figure }
}

const INTRODUCTION = `# Promises, tests, figures

Generated by \`npm run docs:reliability\` from what the tests have printed. \`npm test\` has each in short, \`npm run test:release\` in
full; the figures are those of the last full run. A dash: the test passes or fails, and counts nothing.

| | promise | test | last figure |
|---|---|---|---|
`

/** @param comments what the runs have said, without the number sign */
export function reliabilityPage(comments: readonly string[], before: string): string {
  const lines = ROWS.map((one) => {
    const found = one.figure === null ? null : figureIn(comments, one.figure)
    const figure = found ?? formerFigure(before, one) ?? '—'
    return `| ${one.id} | ${one.promise} | \`${one.test}\` | ${figure} |`
  })
  return `${INTRODUCTION}${lines.join('\n')}\n${keptStateSection()}`
}

function figureIn(comments: readonly string[], pattern: RegExp): string | null {
  for (const comment of comments) {
    const found = pattern.exec(comment)
    if (found !== null) return (found[1] ?? found[0]).replaceAll('|', '/')
  }
  return null
}

function formerFigure(before: string, { id, promise }: Row): string | null {
  const line = before.split('\n').find((one) => one.startsWith(`| ${id} | ${promise} |`))
  return line?.split(' | ').at(-1)?.replace(/ \|$/, '') ?? null
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const texts = process.argv.slice(2).map((file) => readFileSync(file, 'utf8'))
  const comments = texts
    .flatMap((text) => text.split('\n'))
    .map((line) => /^ *# (.*)/.exec(line)?.[1])
    .filter((comment): comment is string => comment !== undefined)
  writeFileSync(
    PAGE,
    reliabilityPage(comments, readFileSync(PAGE, { encoding: 'utf8', flag: 'a+' })),
  )
}

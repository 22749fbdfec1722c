/** An explanation as a person reads it: what the next read gets first, then why. Pure; 80 columns. */
import { tableLines, wrapped } from './columns.ts'
import type {
  ExplainedFence,
  ExplainedLook,
  ExplainQuery,
  Explanation,
  Prediction,
} from './explanation-reply.ts'
import { byteSize, duration } from './figures.ts'
import { printable, printableAdvice } from './printable.ts'

const WIDTH = 80
const INDENT = '  '
const TITLE_WIDTH = 13
const NOTHING_TO_DO = 'Nothing.'

export function explanationLines(query: ExplainQuery, told: Explanation): string[] {
  const { tenant, customer, version = 'absent', credential } = query
  const { memory, redis, fences } = told
  return [
    `Customer ${customer} of tenant ${tenant}, x-api-version ${version}`,
    `Credential ${credential}`,
    '',
    ...predictionLines('NEXT READ', told.prediction),
    ...(told.alternative === null ? [] : predictionLines('OR', told.alternative)),
    ...predictionLines('API FAILING', told.ifUpstreamFails),
    '',
    ...lookLines('MEMORY', memory),
    '',
    ...titled('REDIS', redis.state),
    ...meaningLines(redis),
    ...(redis.brought === null ? [] : ['', ...lookLines('FROM REDIS', redis.brought)]),
    '',
    ...rejectLines(told.lastReject),
    ...headerChangeLines(told.lastHeaderChange ?? null),
    ...circumstances(told),
    ...fenceLines(fences, memory),
  ]
}

function titled(title: string, text: string): string[] {
  const [first = '', ...rest] = wrapped(printable(text), WIDTH, ' '.repeat(TITLE_WIDTH))
  return [title.padEnd(TITLE_WIDTH) + first.trimStart(), ...rest]
}

/** In words and as `Cache-Status`, and then what that rests on. */
function predictionLines(title: string, { cacheStatus, problem, assumes, meaning }: Prediction) {
  const told =
    problem === null
      ? `${wayOf(cacheStatus)}: ${cacheStatus}`
      : `answered with a problem: ${problem}`
  const rests = assumes === 'nothing' ? [] : wrapped(printableAdvice(meaning), WIDTH, INDENT)
  return [...titled(title, told), ...rests]
}

function wayOf(cacheStatus: string | null): string {
  if (cacheStatus?.includes('; hit') === true) return 'from the cache'
  return cacheStatus?.includes('; collapsed;') === true
    ? 'with what another request brings'
    : 'the API is asked'
}

function lookLines(title: string, look: ExplainedLook): string[] {
  return [
    ...titled(title, `${look.verdict} (${look.reason})`),
    ...meaningLines(look),
    ...recordLines(look),
  ]
}

function meaningLines({ meaning, remedy }: { readonly meaning: string; readonly remedy: string }) {
  const todo =
    remedy === NOTHING_TO_DO ? [] : wrapped(`What to do: ${printableAdvice(remedy)}`, WIDTH, INDENT)
  return [...wrapped(printableAdvice(meaning), WIDTH, INDENT), ...todo]
}

function recordLines({ grant, admission, representation }: ExplainedLook): string[] {
  const facts: string[] = []
  if (grant === null) facts.push('grant: none here')
  else facts.push([`${grant.kind}: ${ago(grant.ageMs)}`, left(grant.leftMs), named(grant)].join(''))
  if (admission === null) facts.push('admission: none here')
  else facts.push(`admission: ${left(admission.leftMs).slice(2)}`)
  if (representation === null) return [...facts, 'representation: none here'].flatMap(item)
  const { kind, ageMs, freshForMs, staleForMs, bytes } = representation
  const size = bytes === null ? '' : `, ${byteSize(bytes)}`
  const fresh = freshForMs === null ? '' : `, ${freshness(freshForMs)}`
  const spare = staleForMs === null ? '' : `, usable stale for ${seconds(Math.max(0, staleForMs))}`
  facts.push(`${kind}: ${ago(ageMs)}${fresh}${spare}${size}${named(representation)}`)
  return facts.flatMap(item)
}

function item(text: string): string[] {
  const [first = '', ...rest] = wrapped(printable(text), WIDTH, `${INDENT}  `)
  return [`${INDENT}- ${first.trimStart()}`, ...rest]
}

function seconds(milliseconds: number): string {
  return duration(Math.round(milliseconds / 1000))
}

function ago(milliseconds: number): string {
  return `${seconds(milliseconds)} old`
}

function left(milliseconds: number | null): string {
  if (milliseconds === null) return ''
  return milliseconds < 0
    ? `, lapsed ${seconds(-milliseconds)} ago`
    : `, ${seconds(milliseconds)} left`
}

function freshness(milliseconds: number): string {
  return milliseconds > 0
    ? `fresh for ${seconds(milliseconds)}`
    : `stale since ${seconds(-milliseconds)}`
}

function named({ digest }: { readonly digest: string | null }): string {
  return digest === null ? '' : `, digest ${digest}`
}

function rejectLines(reject: Explanation['lastReject']): string[] {
  if (reject === null) return []
  const { reason, status, agoMs } = reject
  const title = `${reason}, on a ${status}, ${seconds(agoMs)} ago`
  return [...titled('NOT STORED', title), ...meaningLines(reject), '']
}

function headerChangeLines(change: NonNullable<Explanation['lastHeaderChange']> | null): string[] {
  if (change === null) return []
  const text = `the same body with other headers, ${seconds(change.agoMs)} ago: ${change.names.join(', ')}`
  return [...titled('CHANGED', text), '']
}

function circumstances({ sharing, versionPin, upstream }: Explanation): string[] {
  const tripped = sharing.isTripped
    ? `, in force for this tenant: ${sharing.inForce}, since two views were seen`
    : ''
  return [
    ...titled('API', apiOf(upstream)),
    ...titled('SHARING', `${sharing.configured}${tripped}`),
    ...titled('VERSION PIN', versionPin.known ?? 'not known here'),
  ]
}

function apiOf({ refusal, isOverloaded, follows }: Explanation['upstream']): string {
  if (isOverloaded) return 'not asked: this instance is short of time or memory'
  if (refusal !== null) return `not asked: ${refusal}`
  return follows === null ? 'would be asked if need be' : `a ${follows} is under way already`
}

/** Those that the records are stamped with, since a changed one is why they are not used; else those known. */
function fenceLines(known: readonly ExplainedFence[], look: ExplainedLook): string[] {
  const stamped: [string, ExplainedFence][] = [
    ...(look.grant?.fences ?? []).map((fence): [string, ExplainedFence] => ['grant', fence]),
    ...(look.admission?.fences ?? []).map((fence): [string, ExplainedFence] => [
      'admission',
      fence,
    ]),
    ...(look.representation?.fences ?? []).map((fence): [string, ExplainedFence] => [
      'representation',
      fence,
    ]),
  ]
  const rows =
    stamped.length > 0 ? stamped : known.map((fence): [string, ExplainedFence] => ['', fence])
  if (rows.length === 0) return []
  const table = tableLines(
    [{ title: 'FENCE' }, { title: 'STATE' }, { title: 'NAME' }, { title: 'OF' }],
    rows.map(([of, { kind, state, name }]) =>
      [kind, state, name, of].map((cell) => printable(cell)),
    ),
  )
  return ['', ...table]
}

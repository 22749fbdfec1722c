/** The tables of the page: each `data-table` and its rows. Text only: nothing of a snapshot becomes markup. */
import { quantile } from './figures.js'
import { mainReason } from './findings.js'
import { duration, percent, timeOfDay, whole } from './format.js'
import {
  CAUSE_WORDS,
  INVALIDATION_WORDS,
  inWords,
  MISS_WORDS,
  OUTCOME_WORDS,
  STALE_WORDS,
} from './words.js'

const NAMED_TENANTS = 3

/** @typedef {import('./values.js').View} View */
/**
 * A number is set as one; the first cell heads its row.
 *
 * @typedef {string | number | { number: string } | { code: string } | { share: number, label: string }} Cell
 */

/** @type {Record<string, { rows: (view: View) => Cell[][], nothing: string }>} */
const TABLES = {
  latency: { nothing: 'No requests yet', rows: latencyRows },
  stale: {
    nothing: 'No stale answer so far',
    rows: ({ snapshot, figures }) => counted(STALE_WORDS, snapshot.stale, figures.stale),
  },
  invalidations: {
    nothing: 'Nothing was invalidated so far',
    rows: ({ snapshot, figures }) =>
      counted(INVALIDATION_WORDS, snapshot.invalidations, figures.invalidations),
  },
  rejects: {
    nothing: 'All answers could be stored',
    rows: ({ snapshot }) =>
      some(snapshot.rejects).map(([reason, count]) => [
        inWords(MISS_WORDS, `reject.${reason}`).replace('not stored: ', ''),
        count,
      ]),
  },
  causes: {
    nothing: 'No call has failed so far',
    rows: ({ snapshot, figures }) =>
      counted(CAUSE_WORDS, snapshot.upstream.errors, figures.upstreamCauses),
  },
  tenants: { nothing: 'No tenant has asked lately', rows: tenantRows },
  problems: { nothing: 'No problem so far', rows: problemRows },
}

/** @param {View} view @returns {Cell[][]} */
function latencyRows({ snapshot, figures }) {
  return Object.entries(snapshot.latency)
    .filter(([, { count }]) => count > 0)
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([outcome, { count }]) => {
      const recent = figures.latency[outcome]
      const at = (/** @type {number} */ share) => ({ number: duration(quantile(recent, share)) })
      return [inWords(OUTCOME_WORDS, outcome), at(0.5), at(0.95), at(0.99), count]
    })
}

/** @param {View} view @returns {Cell[][]} */
function tenantRows({ figures }) {
  return figures.tenants
    .filter(({ requests }) => requests > 0)
    .map((each) => ({ ...each, missed: missesOf(each) }))
    .sort((a, b) => b.failed - a.failed || b.missed - a.missed)
    .map(({ tenant, requests, hits, failed, missed, misses }) => [
      tenant,
      { share: requests / figures.requests, label: `Share of tenant ${tenant} of all requests` },
      requests,
      { number: percent(hits + missed === 0 ? null : hits / (hits + missed)) },
      failed,
      mainReason(misses) ?? 'none missed',
    ])
}

/** @param {import('../../src/ops/tenant-traffic.ts').TenantFigures} tenant */
function missesOf({ misses }) {
  return Object.values(misses).reduce((sum, count) => sum + count, 0)
}

/** @param {View} view @returns {Cell[][]} */
function problemRows({ snapshot }) {
  return snapshot.problems.map(
    ({ at, count, code, status, method, path, cause, tenants, requestId }) => [
      timeOfDay(at),
      count,
      inWords({ upstream_status: 'the API answered with an error' }, code),
      { number: String(status) },
      path === null ? method : `${method} ${path}`,
      cause === null ? '–' : inWords(CAUSE_WORDS, cause),
      tenantNames(tenants),
      { code: requestId },
    ],
  )
}

/** @param {readonly string[]} tenants one more than are named: there are others @returns {string} */
function tenantNames(tenants) {
  if (tenants.length === 0) return '–'
  const names = tenants.slice(0, NAMED_TENANTS).join(', ')
  return tenants.length > NAMED_TENANTS ? `${names} and others` : names
}

/**
 * @param {Record<string, string>} words
 * @param {Record<string, number>} totals
 * @param {Record<string, number>} lately
 */
function counted(words, totals, lately) {
  return some(totals).map(([word, total]) => [inWords(words, word), lately[word] ?? 0, total])
}

/** Most first, and without those that never happened. @param {Record<string, number>} totals */
function some(totals) {
  return Object.entries(totals)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a)
}

/** @param {View} view */
export function showTables(view) {
  for (const [name, { rows, nothing }] of Object.entries(TABLES)) {
    const table = /** @type {HTMLTableElement} */ (document.querySelector(`[data-table="${name}"]`))
    const made = rows(view).map(rowOf)
    table.tBodies[0].replaceChildren(...(made.length > 0 ? made : [emptyRow(table, nothing)]))
  }
}

/** @param {Cell[]} cells */
function rowOf(cells) {
  const row = document.createElement('tr')
  for (const [at, cell] of cells.entries()) {
    const element = document.createElement(at === 0 ? 'th' : 'td')
    if (at === 0) element.setAttribute('scope', 'row')
    fill(element, cell)
    row.append(element)
  }
  return row
}

/** @param {HTMLElement} element @param {Cell} cell */
function fill(element, cell) {
  if (typeof cell === 'string') element.textContent = cell
  else if (typeof cell === 'object' && 'code' in cell) {
    element.append(document.createElement('code'))
    element.firstElementChild.textContent = cell.code
  } else if (typeof cell === 'object' && 'share' in cell) {
    element.className = 'share'
    element.append(meter(cell), percent(cell.share))
  } else {
    element.className = 'number'
    element.textContent = typeof cell === 'number' ? whole(cell) : cell.number
  }
}

/** @param {{ share: number, label: string }} cell */
function meter({ share, label }) {
  const element = document.createElement('meter')
  element.value = share
  element.setAttribute('aria-label', label)
  return element
}

/** @param {HTMLTableElement} table @param {string} text */
function emptyRow(table, text) {
  const row = document.createElement('tr')
  const cell = row.appendChild(document.createElement('td'))
  cell.colSpan = table.tHead.rows[0].cells.length
  cell.className = 'nothing'
  cell.textContent = text
  return row
}

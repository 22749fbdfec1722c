/** What is told in words and shapes: the verdict, the parts that Layby leans on, and the connection. */

import { quantile } from './figures.js'
import { duration, span, timeOfDay, whole } from './format.js'
import { verdictOf } from './verdict.js'

/** @typedef {import('./values.js').View} View */
/** @typedef {'good' | 'watch' | 'bad' | 'idle'} State */

/** @type {Record<State, string>} */
const STATE_WORDS = {
  good: 'All well',
  watch: 'Worth a look',
  bad: 'Trouble',
  idle: 'Nothing to judge yet',
}

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id))

/** Only where it changes: a screen reader is told of every change. @param {HTMLElement} element @param {string} text */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/**
 * How it does and which instance it is, for a browser with many tabs: hidden ones get their title too.
 *
 * @param {string} state
 * @param {string} host empty: not known
 */
export function showTitle(state, host) {
  const title = [state, host, 'Layby'].filter(Boolean).join(' · ')
  if (document.title !== title) document.title = title
}

/** @param {View} view */
export function stateWord({ snapshot, figures, during }) {
  return STATE_WORDS[verdictOf(snapshot, figures, during).state]
}

/** @param {View} view */
export function showVerdict({ snapshot, figures, during }) {
  const verdict = verdictOf(snapshot, figures, during)
  byId('verdict').dataset.state = verdict.state
  say(byId('verdict-state'), STATE_WORDS[verdict.state])
  say(byId('verdict-title'), verdict.title)
  say(byId('verdict-because'), verdict.because)
  const list = byId('findings')
  const told = [...list.children].map((each) => each.firstElementChild?.nextSibling?.textContent)
  if (told.join() === verdict.findings.map(({ text }) => text).join()) return
  list.replaceChildren(
    ...verdict.findings.map(({ state, title, text, section }) => {
      const item = marked(state, text)
      item.append(' ', runbook(`${snapshot.runbooks}#${section}`, title))
      return item
    }),
  )
}

/** @param {View} view */
export function showHealth({ snapshot }) {
  byId('health').replaceChildren(
    ...[...breakers(snapshot), redis(snapshot), bus(snapshot)].map(
      ({ state, name, word, text }) => {
        const item = marked(state, `${name}: `)
        item.append(strong(word), small(text))
        return item
      },
    ),
  )
}

/** @param {View['snapshot']} snapshot */
function breakers(snapshot) {
  return Object.entries(snapshot.breakers).map(([target, isOpen]) => ({
    state: /** @type {State} */ (isOpen ? 'bad' : 'good'),
    name: target === 'redis' ? 'Redis breaker' : 'API breaker',
    word: isOpen ? 'open' : 'closed',
    text: isOpen
      ? 'It does not answer: one request a second tries.'
      : 'Requests are sent as they come.',
  }))
}

/** @param {View['snapshot']} snapshot @returns {{ state: State, name: string, word: string, text: string }} */
function redis(snapshot) {
  const name = 'Redis'
  if (snapshot.redis === null)
    return {
      state: 'idle',
      name,
      word: 'not configured',
      text: 'Memory tier only; instances share nothing.',
    }
  return snapshot.redis.isUp
    ? { state: 'good', name, word: 'up', text: 'Copies are shared between instances.' }
    : {
        state: 'watch',
        name,
        word: 'down',
        text: 'Served from memory and the API; tried again by itself.',
      }
}

/** @param {View['snapshot']} snapshot @returns {{ state: State, name: string, word: string, text: string }} */
function bus(snapshot) {
  const name = 'Bus lease'
  if (snapshot.redis === null)
    return {
      state: 'idle',
      name,
      word: 'not needed',
      text: 'There is no other instance to hear of.',
    }
  const { isBusLive, busGaps } = snapshot.redis
  const longest = `half shorter than ${duration(quantile(busGaps, 0.5))}`
  const gaps =
    busGaps.count === 0
      ? 'Never silent so far.'
      : `Silent ${busGaps.count === 1 ? 'once' : `${whole(busGaps.count)} times`}, ${longest}.`
  return isBusLive
    ? { state: 'good', name, word: 'held', text: `Writes elsewhere are heard. ${gaps}` }
    : {
        state: 'watch',
        name,
        word: 'lapsed',
        text: `Writes elsewhere may not be heard: new copies live a second. ${gaps}`,
      }
}

/** @param {State} state @param {string} text */
function marked(state, text) {
  const item = document.createElement('li')
  item.dataset.state = state
  const mark = item.appendChild(document.createElement('span'))
  mark.className = 'mark'
  mark.setAttribute('aria-hidden', 'true')
  item.append(text)
  return item
}

/** @param {string} url @param {string} title of the finding */
function runbook(url, title) {
  const link = document.createElement('a')
  link.href = url
  link.textContent = 'What to do'
  link.setAttribute('aria-label', `What to do: ${title}`)
  return link
}

/** @param {string} text */
function strong(text) {
  const element = document.createElement('b')
  element.textContent = text
  return element
}

/** @param {string} text */
function small(text) {
  const element = document.createElement('small')
  element.textContent = text
  return element
}

/** @param {number | null} lostAt wall clock; null: it is there @param {number} lastAt of the last snapshot */
export function showConnection(lostAt, lastAt) {
  const connection = byId('connection')
  const text = /** @type {HTMLElement} */ (connection.lastElementChild)
  connection.dataset.state = lostAt === null ? 'good' : 'bad'
  document.body.classList.toggle('is-old', lostAt !== null)
  // Live: its time is no news, and is not told aloud.
  if (lostAt === null) return say(text, 'Live, once a second')
  connection.title = `${span((Date.now() - lostAt) / 1000)} ago`
  const shown = lastAt === 0 ? 'nothing to show yet' : `figures of ${timeOfDay(lastAt)}`
  say(text, `Disconnected since ${timeOfDay(lostAt)}; ${shown}; trying again by itself`)
}

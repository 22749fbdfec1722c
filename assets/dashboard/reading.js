/** The line below a chart: how much time it shows, and what is read at the cursor. */
import { span } from './format.js'

/** @param {Element} element of the chart */
export function addReading(element) {
  const line = element.appendChild(document.createElement('p'))
  line.className = 'reading'
  const spanned = line.appendChild(document.createElement('span'))
  const live = line.appendChild(document.createElement('span'))
  live.className = 'live'
  live.setAttribute('aria-live', 'polite')
  return {
    /** What moves below a resting pointer is not announced. @param {string} text @param {boolean} isSpoken */
    show(text, isSpoken) {
      live.setAttribute('aria-live', isSpoken ? 'polite' : 'off')
      if (live.textContent !== text) live.textContent = text
      spanned.hidden = text !== ''
    },
    /** @param {number} seconds */
    spans(seconds) {
      const text = seconds === 0 ? 'Too little time to draw yet' : `The last ${span(seconds)}`
      if (spanned.textContent !== text) spanned.textContent = text
    },
  }
}

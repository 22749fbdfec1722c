/**
 * The live connection. The browser connects again by itself where it can; where it gives up, or nothing comes
 * although the connection seems to live, this does.
 */

const SILENCE_MS = 5_000
const AGAIN_MS = 3_000

/**
 * @param {string} url
 * @param {(snapshot: import('../../src/ops/snapshot.ts').Snapshot) => void} onSnapshot
 * @param {() => void} onLost told again at each failed attempt
 */
export function follow(url, onSnapshot, onLost) {
  /** @type {EventSource} */
  let source
  let lastAt = performance.now()

  const connect = () => {
    source?.close()
    lastAt = performance.now()
    source = new EventSource(url)
    source.onmessage = ({ data }) => {
      lastAt = performance.now()
      onSnapshot(JSON.parse(data))
    }
    source.onerror = onLost
  }
  connect()
  setInterval(() => {
    const silentMs = performance.now() - lastAt
    const isGivenUp = source.readyState === EventSource.CLOSED
    if (silentMs < (isGivenUp ? AGAIN_MS : SILENCE_MS)) return
    onLost()
    connect()
  }, 1_000)
}

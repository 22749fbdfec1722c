/** The page: a stream of snapshots in, everything that is shown out. Nothing is drawn while nobody can see it. */
import { drawCharts } from './charts.js'
import { History } from './history.js'
import { showConnection, showHealth, showTitle, showVerdict, stateWord } from './states.js'
import { follow } from './stream.js'
import { showTables } from './tables.js'
import { showValues } from './values.js'

const history = new History()
const draw = drawCharts()
/** @type {import('../../src/ops/snapshot.ts').Snapshot | null} */
let latest = null
/** @type {number | null} */
let lostAt = null

/** What was before the page was opened, or while the connection was away. */
async function fillHistory() {
  try {
    const reply = await fetch(new URL('history', import.meta.url))
    if (!reply.ok) return
    history.fill((await reply.json()).points)
    show()
  } catch {
    // The next connection brings it.
  }
}

function show() {
  if (document.hidden || latest === null) return
  const view = { snapshot: latest, ...history.recent() }
  showVerdict(view)
  showValues(view)
  showHealth(view)
  showTables(view)
  draw(history.points)
}

follow(
  new URL('events', import.meta.url).href,
  (snapshot) => {
    const isNew = latest === null || lostAt !== null
    latest = snapshot
    lostAt = null
    history.add(snapshot)
    if (isNew) void fillHistory()
    showConnection(null, snapshot.at)
    showTitle(stateWord({ snapshot, ...history.recent() }), snapshot.host)
    show()
  },
  () => {
    lostAt ??= Date.now()
    history.pause()
    showConnection(lostAt, latest?.at ?? 0)
    showTitle('Disconnected', latest?.host ?? '')
  },
)
document.addEventListener('visibilitychange', show)

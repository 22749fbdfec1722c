/** The page: a stream of snapshots in, everything that is shown out. Nothing is drawn while nobody can see it. */
import { drawCharts } from './charts.js'
import { History } from './history.js'
import { showConnection, showHealth, showVerdict } from './states.js'
import { follow } from './stream.js'
import { showTables } from './tables.js'
import { showValues } from './values.js'

const history = new History()
const draw = drawCharts()
/** @type {import('../../src/ops/snapshot.ts').Snapshot | null} */
let latest = null
/** @type {number | null} */
let lostAt = null

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
    latest = snapshot
    lostAt = null
    history.add(snapshot)
    showConnection(null, snapshot.at)
    show()
  },
  () => {
    lostAt ??= Date.now()
    history.pause()
    showConnection(lostAt, latest?.at ?? 0)
  },
)
document.addEventListener('visibilitychange', show)

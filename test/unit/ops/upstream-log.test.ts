import t from 'tap'
import type { FailedCall } from '../../../src/cache/ports.ts'
import { createLogger } from '../../../src/lib/logger.ts'
import { UpstreamLog } from '../../../src/ops/upstream-log.ts'
import { FakeClock } from '../../helpers/clock.ts'

const REFUSED: FailedCall = {
  cause: 'refused',
  code: 'ECONNREFUSED',
  type: 'Error',
  reason: null,
  requestId: 'an-id',
}

function start() {
  const clock = new FakeClock()
  const lines: Record<string, unknown>[] = []
  const log = createLogger('info', { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { clock, lines, log: new UpstreamLog(log, clock) }
}

t.test('a failed call is said with its cause and code, and those alike are counted', (t) => {
  const { clock, lines, log } = start()
  for (let i = 0; i < 5; i++) log.upstreamFailed(REFUSED)
  log.upstreamFailed({ ...REFUSED, cause: 'tls', code: 'CERT_HAS_EXPIRED', reason: 'expired' })
  t.match(lines, [
    { message: 'upstream call failed', cause: 'refused', 'error.code': 'ECONNREFUSED', calls: 1 },
    { cause: 'tls', 'error.code': 'CERT_HAS_EXPIRED', 'error.reason': 'expired', calls: 1 },
  ])
  t.equal(lines.length, 2)
  clock.advance(10_000)
  log.upstreamFailed(REFUSED)
  t.match(lines[2], { cause: 'refused', calls: 5 })
  t.equal(lines.length, 3)
  t.end()
})

t.test('codes without end are remembered up to a bound', (t) => {
  const { lines, log } = start()
  for (let i = 0; i <= 100; i++) log.upstreamFailed({ ...REFUSED, code: `HPE_${i}` })
  t.equal(lines.length, 101)
  log.upstreamFailed({ ...REFUSED, code: 'HPE_100' })
  t.equal(lines.length, 101, 'the newest is known')
  log.upstreamFailed({ ...REFUSED, code: 'HPE_0' })
  t.equal(lines.length, 102, 'the oldest is said again')
  t.end()
})

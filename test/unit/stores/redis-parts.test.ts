import t from 'tap'
import {
  credentialFence,
  familyFence,
  kinFence,
  partsOf,
  subjectFence,
  tenantFence,
} from '../../../src/cache/key.ts'
import { Breaker } from '../../../src/stores/breaker.ts'
import { codeOf } from '../../../src/stores/redis-codes.ts'
import { RedisKeys } from '../../../src/stores/redis-keys.ts'
import { QUARANTINE_MS, TierTrust } from '../../../src/stores/tier-trust.ts'
import { FakeClock } from '../../helpers/clock.ts'

t.test(
  'the breaker opens after twenty failures in a row, or after a second of nothing else',
  (t) => {
    const clock = new FakeClock()
    const quick = new Breaker(clock)
    for (let i = 0; i < 19; i++) t.equal(quick.failed(), false)
    t.equal(quick.isOpen, false)
    t.equal(quick.failed(), true)
    t.equal(quick.isOpen, true)
    t.equal(quick.failed(), false, 'it opens once')
    quick.close()
    t.equal(quick.isOpen, false)
    const slow = new Breaker(clock)
    slow.failed()
    clock.advance(999)
    slow.succeeded()
    clock.advance(1)
    t.equal(slow.failed(), false, 'a success in between starts anew')
    clock.advance(1_000)
    t.equal(slow.failed(), true)
    t.end()
  },
)

t.test(
  'nothing is believed before all are accounted for, and after a loss not for a while',
  (t) => {
    const clock = new FakeClock()
    const trust = new TierTrust(clock)
    t.equal(trust.isTrusted(), false, 'Redis has taken no write of ours')
    trust.lost()
    trust.regained()
    t.equal(trust.isTrusted(), false)
    trust.accounted()
    t.equal(
      trust.isTrusted(),
      true,
      'what was never had is not lost: a first start waits for nothing',
    )
    trust.lost()
    t.equal(trust.isTrusted(), false)
    trust.regained()
    clock.advance(QUARANTINE_MS - 1)
    trust.accounted()
    t.equal(trust.isTrusted(), false)
    clock.advance(1)
    t.equal(trust.isTrusted(), true)
    t.end()
  },
)

t.test('all of a tenant lies in one slot, and a credential’s in its own', (t) => {
  const keys = new RedisKeys('p', 0)
  const tag = (key: string): string => /\{(.*?)\}/.exec(key)?.[1] ?? ''
  const ofTenant = [
    tenantFence('7'),
    kinFence('7'),
    subjectFence('7', 'customer', '1'),
    familyFence('7', 'customer', '2'),
  ].map((name) => keys.fence(name))
  const all = [...ofTenant, keys.record('s'.repeat(32), '7', '1:gx'), keys.turn('7', 'x')]
  t.equal(new Set(all).size, 6)
  t.equal(new Set(all.map(tag)).size, 1)
  t.not(tag(keys.fence(tenantFence('70'))), tag(all[0] as string))
  t.equal(tag(keys.fence(credentialFence('7'))), tag(keys.pin('7')))
  t.not(tag(keys.pin('7')), tag(all[0] as string), 'a credential that is named like a tenant')
  t.strictSame(partsOf(subjectFence('7', 'customer', '1')), ['s', '7', 'customer', '1'])
  t.end()
})

t.test('what is told of a fault is one word', (t) => {
  t.equal(
    codeOf(
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:6379'), { code: 'ECONNREFUSED' }),
    ),
    'ECONNREFUSED',
  )
  t.equal(codeOf(new Error('WRONGPASS invalid username-password pair')), 'WRONGPASS')
  t.equal(codeOf(new Error('timed out')), 'ETIMEDOUT')
  t.equal(codeOf(new Error('secret at 10.0.0.1')), 'Error')
  t.equal(codeOf(null), 'Error')
  t.end()
})

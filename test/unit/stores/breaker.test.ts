import t from 'tap'
import { Breaker } from '../../../src/stores/breaker.ts'
import { FakeClock } from '../../helpers/clock.ts'

function failTimes(breaker: Breaker, times: number): boolean[] {
  return Array.from({ length: times }, () => breaker.failed())
}

t.test('twenty failures in a row open it, nineteen and a success do not', (t) => {
  const breaker = new Breaker(new FakeClock())
  failTimes(breaker, 19)
  breaker.succeeded()
  failTimes(breaker, 19)
  t.equal(breaker.isOpen, false)
  t.equal(breaker.failed(), true)
  t.equal(breaker.isOpen, true)
  t.end()
})

t.test('failures for want of our own time do not count, unless nothing else comes', (t) => {
  const clock = new FakeClock()
  const breaker = new Breaker(clock)
  for (let i = 0; i < 1_000; i++) t.equal(breaker.failed(true), false)
  clock.advance(1_000)
  t.equal(breaker.failed(true), true)
  t.end()
})

t.test('a second of nothing but failures opens it, however few they are', (t) => {
  const clock = new FakeClock()
  const breaker = new Breaker(clock)
  breaker.failed()
  clock.advance(999)
  t.equal(breaker.failed(), false)
  clock.advance(1)
  t.equal(breaker.failed(), true)
  t.end()
})

t.test('a second without any call opens nothing', (t) => {
  const clock = new FakeClock()
  const breaker = new Breaker(clock)
  clock.advance(5_000)
  t.equal(breaker.failed(), false)
  t.end()
})

t.test('it says once that it opened, until it has been closed', (t) => {
  const breaker = new Breaker(new FakeClock())
  t.equal(failTimes(breaker, 60).filter(Boolean).length, 1)
  breaker.close()
  t.equal(breaker.isOpen, false)
  t.equal(failTimes(breaker, 60).filter(Boolean).length, 1, 'counted anew')
  t.end()
})

t.test('a late success of a call from before does not close it', (t) => {
  const breaker = new Breaker(new FakeClock())
  failTimes(breaker, 20)
  breaker.succeeded()
  t.equal(breaker.isOpen, true)
  breaker.failed()
  t.equal(breaker.isOpen, true)
  t.end()
})

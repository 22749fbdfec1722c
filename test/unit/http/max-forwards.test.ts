import t from 'tap'
import { forwardsLeft } from '../../../src/http/max-forwards.ts'

t.test('Max-Forwards is a decimal, and counts for OPTIONS alone', async (t) => {
  for (const [value, left] of [
    ['0', 0],
    ['000', 0],
    ['1', 1],
    ['10', 10],
    ['256', 256],
    ['257', 256],
    ['9'.repeat(400), 256],
    ['', null],
    ['-1', null],
    ['+1', null],
    ['1.5', null],
    ['0x1', null],
    ['0, 5', null],
    ['\u0660', null],
    [null, null],
  ] as const) {
    t.equal(forwardsLeft('OPTIONS', value), left, String(value))
    t.equal(forwardsLeft('GET', value), null)
    t.equal(forwardsLeft('options', value), null)
  }
})

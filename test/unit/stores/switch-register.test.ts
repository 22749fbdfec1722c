/** Of two statements about a tenant the later one holds, in whatever order they are heard. */
import fc from 'fast-check'
import t from 'tap'
import {
  MAX_SWITCHES,
  type Switch,
  SwitchRegister,
  switchOf,
} from '../../../src/stores/switch-register.ts'

const stateOf = (register: SwitchRegister) =>
  register.all.map(([tenant, isOff, setAt]) => `${tenant} ${isOff} ${setAt}`).sort()

t.test('whatever the order, all come to know the same', (t) => {
  const switches = fc.array(
    fc.tuple(fc.constantFrom('1', '2', '3'), fc.boolean(), fc.nat({ max: 5 })),
  )
  fc.assert(
    fc.property(switches, switches, (some, others) => {
      const [one, two] = [new SwitchRegister(), new SwitchRegister()]
      one.merge(some)
      one.merge(others)
      for (const each of [...others, ...some].reverse()) two.merge([each])
      const isSame = stateOf(one).join() === stateOf(two).join()
      if (!isSame || one.missingFrom(two.all).length > 0) throw new Error('they differ')
    }),
    { numRuns: 100 },
  )
  t.end()
})

t.test('what an operator says is later than all that is known, whatever the clock says', (t) => {
  const register = new SwitchRegister()
  register.merge([['7', true, 9_000]])
  const on = register.set('7', false, 1_000)
  t.strictSame(on, ['7', false, 9_001])
  t.strictSame(register.merge([['7', true, 9_000]]), [], 'what is put back is no news')
  t.strictSame(
    register.merge([['7', true, 9_001]]),
    [['7', true, 9_001]],
    'of two the one that is off',
  )
  t.strictSame(register.set('8', true, 1_000), ['8', true, 1_000])
  t.end()
})

t.test('what a list lacks, or has as it was before, is missing from it', (t) => {
  const register = new SwitchRegister()
  register.merge([
    ['1', true, 5],
    ['2', false, 5],
    ['3', true, 5],
  ])
  const list: Switch[] = [
    ['2', true, 4],
    ['3', true, 5],
    ['4', true, 1],
  ]
  t.strictSame(register.missingFrom(list), [
    ['1', true, 5],
    ['2', false, 5],
  ])
  t.end()
})

t.test('a hundred thousand tenants that are on again are not kept, and one that is off is', (t) => {
  const register = new SwitchRegister()
  register.set('off', true, 1)
  for (let i = 0; i < 100_000; i++) register.set(`${i}`, false, 2)
  t.equal(register.all.length, MAX_SWITCHES)
  t.ok(register.all.some(([tenant]) => tenant === 'off'))
  t.ok(register.all.some(([tenant]) => tenant === '99999'))
  t.end()
})

t.test('a switch is a tenant, a state and a time', (t) => {
  t.strictSame(switchOf(['7', true, 5]), ['7', true, 5])
  for (const value of [null, '7', {}, [], ['7', true], ['7', true, 5, 6], [7, true, 5]]) {
    t.equal(switchOf(value), null)
  }
  for (const value of [
    ['7', 1, 5],
    ['7', true, '5'],
    ['7', true, Number.NaN],
    ['7', true, 2 ** 60],
  ]) {
    t.equal(switchOf(value), null)
  }
  t.end()
})

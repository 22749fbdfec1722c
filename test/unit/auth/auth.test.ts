import t from 'tap'
import { Partitions } from '../../../src/auth/partition.ts'
import { VersionPins } from '../../../src/auth/version-pins.ts'

t.test('a partition stands for the exact token and not for the scheme’s letter case', (t) => {
  const partitions = new Partitions('secret')
  const partition = partitions.of('Bearer abc.def')
  t.match(partition, /^[A-Za-z0-9_-]{43}$/)
  t.equal(partitions.of('bearer abc.def'), partition)
  t.equal(partitions.of('Bearer abc.def'), partition, 'remembered')
  t.not(partitions.of('Bearer abc.deF'), partition)
  t.not(new Partitions('other').of('Bearer abc.def'), partition)
  t.end()
})

t.test('the pin is the version of the last answer', (t) => {
  const pins = new VersionPins(10)
  t.equal(pins.current('p', 'v1'), null)
  const use = pins.begin('p', 'v1')
  t.equal(use.mayJoin, true)
  pins.end(use, 'v1')
  t.equal(pins.current('p', 'v1'), 'v1')
  t.equal(pins.current('q', 'v1'), null)
  pins.end(pins.begin('p', null), undefined)
  t.equal(pins.current('p', null), 'v1', 'a request that did not go upstream changes nothing')
  pins.end(pins.begin('p', 'v2'), null)
  t.equal(pins.current('p', 'v2'), null, 'an answer without version leaves it in doubt')
  t.end()
})

t.test(
  'overlapping requests for different versions leave the pin in doubt until a later one',
  (t) => {
    const pins = new VersionPins(10)
    pins.end(pins.begin('p', 'v1'), 'v1')
    const one = pins.begin('p', 'v1')
    t.equal(pins.current('p', 'v1'), 'v1', 'the same form on its way does no harm')
    t.equal(pins.current('p', 'v2'), null, 'another form does')
    const two = pins.begin('p', 'v2')
    t.equal(two.mayJoin, false)
    pins.end(two, 'v2')
    pins.end(one, 'v1')
    t.equal(pins.current('p', 'v1'), null)
    t.equal(pins.current('p', 'v2'), null)
    const three = pins.begin('p', 'v2')
    t.equal(three.mayJoin, true)
    pins.end(three, 'v2')
    t.equal(pins.current('p', 'v2'), 'v2')
    pins.end(three, 'v1')
    t.equal(pins.current('p', 'v2'), 'v2', 'an end too many is ignored')
    t.end()
  },
)

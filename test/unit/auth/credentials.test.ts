import t from 'tap'
import { Credentials } from '../../../src/auth/credentials.ts'
import { SealingKeys } from '../../../src/auth/sealing.ts'
import { VersionPins } from '../../../src/auth/version-pins.ts'
import { deriveKey, sealedName } from '../../../src/lib/derive-key.ts'

const SECRET = 'a secret for tests only, 32 long and more'
const OTHER = 'another one for tests, 32 long and more..'

t.test(
  'another secret, purpose or part gives another key, and so do parts that are cut elsewhere',
  (t) => {
    const keys = [
      deriveKey(SECRET, 'credential', 'ab', 'c'),
      deriveKey(SECRET, 'credential', 'a', 'bc'),
      deriveKey(SECRET, 'credential', 'abc'),
      deriveKey(SECRET, 'credential', 'abc', ''),
      deriveKey(SECRET, 'representation', 'ab', 'c'),
      deriveKey(OTHER, 'credential', 'ab', 'c'),
      deriveKey(SECRET, 'bus'),
    ].map((key) => key.toString('hex'))
    t.equal(new Set(keys).size, keys.length)
    t.ok(keys.every((key) => key.length === 64))
    t.not(sealedName(SECRET, 'ab', 'c'), sealedName(SECRET, 'a', 'bc'))
    t.match(sealedName(SECRET, 'x'), /^[\w-]{22}$/)
    t.end()
  },
)

t.test('a seal is of the token and the tenant, whatever the letter case of the scheme', (t) => {
  const keys = new SealingKeys(SECRET)
  const one = keys.forCredential('Bearer abc', '7')
  t.strictSame(keys.forCredential('bEARER abc', '7'), one)
  t.notSame(keys.forCredential('Bearer abd', '7'), one)
  t.notSame(keys.forCredential('Bearer abc', '70'), one)
  t.notSame(keys.forCredential('Bearer 0abc', '7'), keys.forCredential('Bearer abc', '70'))
  t.end()
})

t.test('holder and seal do not depend on the partition', (t) => {
  const broken = new Credentials([SECRET], () => 'everybody')
  const [a, b] = [broken.of('Bearer a.a'), broken.of('Bearer b.b')]
  t.equal(a.partition, b.partition)
  t.not(a.holder, b.holder)
  t.notSame(a.sealFor('7'), b.sealFor('7'))
  t.equal(broken.of('Bearer a.a'), a, 'made once')
  t.end()
})

t.test('under a new secret, the former credential is what the old secret made of it', (t) => {
  const before = new Credentials([OTHER]).of('Bearer a.a')
  const after = new Credentials([SECRET, OTHER]).of('Bearer a.a')
  t.equal(after.former.length, 1)
  t.equal(after.former[0]?.partition, before.partition)
  t.equal(after.former[0]?.holder, before.holder)
  t.strictSame(after.former[0]?.sealFor('7'), before.sealFor('7'))
  t.not(after.partition, before.partition)
  t.end()
})

t.test('a pin that another instance knows is taken over only where nothing is known here', (t) => {
  const told: unknown[] = []
  const pins = new VersionPins(10, (partition, version) => told.push([partition, version]))
  pins.adopt('p', 'v1')
  t.equal(pins.current('p', 'v1'), 'v1')
  pins.adopt('p', 'v2')
  t.equal(pins.current('p', 'v1'), 'v1')
  const use = pins.begin('q', 'v1')
  pins.adopt('q', 'v1')
  t.equal(pins.current('q', 'v1'), 'v1', 'until the answer is here, it is what was last in force')
  pins.end(use, 'v1')
  t.strictSame(told, [['q', 'v1']])
  pins.end(pins.begin('q', 'v1'), undefined)
  t.equal(told.length, 1, 'what was not asked upstream proves nothing')
  t.end()
})

t.test('a pin that another instance has changed is no longer known here', (t) => {
  const pins = new VersionPins(10)
  pins.adopt('p', 'v1')
  pins.changed('p', 'v1')
  t.equal(pins.current('p', 'v1'), 'v1', 'to what it is here: nothing is new')
  pins.changed('p', 'v2')
  t.equal(pins.current('p', 'v1'), null)
  const use = pins.begin('p', 'v1')
  pins.changed('p', 'v2')
  t.equal(pins.begin('p', 'v1').mayJoin, false, 'whose request came last, nobody can tell')
  pins.end(use, 'v1')
  pins.end(use, 'v1')
  t.equal(pins.current('p', 'v1'), null)
  t.end()
})

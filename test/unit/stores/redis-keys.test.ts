/** Names in Redis are as in the golden files: another name is another cache, and a write that is not seen. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  admissionKey,
  credentialFence,
  familyFence,
  grantKey,
  kinFence,
  representationKey,
  subjectFence,
  tenantFence,
  viewKey,
} from '../../../src/cache/key.ts'
import { RedisKeys } from '../../../src/stores/redis-keys.ts'

const SECRET = 'a secret for tests only, 32 long and more'
const NAME_SECRET = 'a secret for names only, 32 long and more'
const VIEW = viewKey({ tenant: '7', route: 'customer', params: ['31'], version: '2023/04/19' })

/** A line for each kind of name. */
function namesOf(keys: RedisKeys): string {
  keys.epoch = 'epoch'
  const record = (key: string): string => keys.record(SECRET, '7', key)
  const named = {
    'tenant fence': keys.fence(tenantFence('7')),
    'subject fence': keys.fence(subjectFence('7', 'customer', '31')),
    'family fence': keys.fence(familyFence('7', 'customer', '12')),
    'kin fence': keys.fence(kinFence('7')),
    'credential fence': keys.fence(credentialFence('partition')),
    grant: record(grantKey(VIEW, 'partition')),
    admission: record(admissionKey('7', 'partition')),
    representation: record(representationKey(VIEW, '', 'digest')),
    'fill lock': keys.turn('7', VIEW),
    'version pin': keys.pin('partition'),
    'switches off': keys.off,
    'switches on': keys.on,
    'switch of a tenant': keys.switchOf('7'),
    roster: keys.roster,
    bus: keys.channel,
  }
  return Object.entries(named)
    .map(([what, name]) => `${what}: ${name}\n`)
    .join('')
}

function golden(name: string): string {
  return readFileSync(new URL(`../../../../test/wire/${name}.txt`, import.meta.url), 'utf8')
}

t.test('plain names, and names that are keyed', (t) => {
  t.equal(namesOf(new RedisKeys('layby', 2)), golden('names.plain.v2'))
  t.equal(namesOf(new RedisKeys('layby', 2, NAME_SECRET)), golden('names.keyed.v2'))
  t.end()
})

t.test('names do not change with the secret, but those of records', (t) => {
  const keys = new RedisKeys('layby', 2, NAME_SECRET)
  t.not(keys.record(SECRET, '7', VIEW), keys.record(`${SECRET}x`, '7', VIEW))
  t.not(keys.fingerprint, new RedisKeys('layby', 2).fingerprint)
  t.not(keys.fingerprint, new RedisKeys('layby', 2, `${NAME_SECRET}x`).fingerprint)
  t.equal(keys.fingerprint, new RedisKeys('layby', 2, NAME_SECRET).fingerprint)
  t.end()
})

t.test('two prefixes and two databases never have the same channel', (t) => {
  const channels = ['a', 'a:bus', 'a:bus:1', 'a:1'].flatMap((prefix) =>
    [0, 1, 11].map((database) => new RedisKeys(prefix, database).channel),
  )
  t.equal(new Set(channels).size, channels.length)
  t.end()
})

import fc from 'fast-check'
import t from 'tap'
import {
  admissionKey,
  credentialFence,
  currentKey,
  encodeParts,
  familyFence,
  grantKey,
  kinFence,
  lineageKey,
  representationKey,
  subjectFence,
  tenantFence,
  tenantOf,
  tenantOfFence,
  viewKey,
} from '../../../src/cache/key.ts'

const RUNS = Number(process.env['KEY_RUNS'] ?? 200_000)
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
/** Texts that look like parts of keys, so that a weak encoding would stumble. */
const part = fc.oneof(
  fc.constantFrom('', ':', '1', '1:', '0:', '2:a', 'a', '-', 'v', '7', '17', '1:7'),
  fc.string({ unit: fc.constantFrom('1', '2', ':', 'a', '-', '\u0000', 'é', '😀'), maxLength: 6 }),
)
const parts = fc.array(part, { maxLength: 5 })

t.test(`unequal sequences of parts never share a key, in ${RUNS} pairs`, (t) => {
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const isSame = JSON.stringify(a) === JSON.stringify(b)
      return (encodeParts(...a) === encodeParts(...b)) === isSame
    }),
    { numRuns: RUNS, seed },
  )
  t.end()
})

t.test(
  'keys of different kinds, tenants, customers, versions, credentials and digests differ',
  (t) => {
    const keys = new Set<string>()
    let made = 0
    const add = (key: string): void => {
      made++
      keys.add(key)
    }
    for (const tenant of ['9007199254740992', '9007199254740993', '7', '71']) {
      add(tenantFence(tenant))
      add(kinFence(tenant))
      for (const id of ['1', '11', '9007199254740993']) {
        add(subjectFence(tenant, 'customer', id))
        add(familyFence(tenant, 'customer', id))
        for (const version of [null, '2019/02/08']) {
          const view = viewKey({ tenant, route: 'customer', params: [id], version })
          add(view)
          for (const who of ['p', 'q']) {
            add(grantKey(view, who))
            add(representationKey(view, '', who))
            add(representationKey(view, who, ''))
          }
        }
      }
      for (const who of ['p', 'q']) add(admissionKey(tenant, who))
    }
    add(credentialFence('p'))
    t.equal(keys.size, made)
    t.end()
  },
)

t.test('the tenant of a key is the one that it was made with', (t) => {
  fc.assert(
    fc.property(part, part, part, (tenant, one, other) => {
      const view = viewKey({ tenant, route: one, params: [other], version: null })
      const records = [
        grantKey(view, one),
        representationKey(view, one, other),
        currentKey(view),
        admissionKey(tenant, one),
        lineageKey(tenant, one, other),
      ]
      const fences = [
        tenantFence(tenant),
        kinFence(tenant),
        subjectFence(tenant, one, other),
        familyFence(tenant, one, other),
      ]
      return (
        records.every((key) => tenantOf(key) === tenant) &&
        fences.every((key) => tenantOfFence(key) === tenant) &&
        tenantOfFence(credentialFence(one)) === ''
      )
    }),
  )
  t.end()
})

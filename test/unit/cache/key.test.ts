import fc from 'fast-check'
import t from 'tap'
import {
  admissionKey,
  credentialFence,
  encodeParts,
  familyFence,
  grantKey,
  kinFence,
  representationKey,
  subjectFence,
  tenantFence,
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

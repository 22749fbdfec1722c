import t from 'tap'
import type { Coding } from '../../../src/http/encoding.ts'
import { formTag, representationTag } from '../../../src/http/entity-tags.ts'

const CODINGS: readonly (Coding | null)[] = [null, 'br', 'gzip', 'zstd']

t.test('each form has a tag of its own', (t) => {
  t.equal(formTag('"v5"', null), '"v5"')
  t.equal(formTag('"v5"', 'br'), '"v5-br"')
  t.equal(formTag('"v5"', 'gzip'), '"v5-gz"')
  t.equal(formTag('"v5"', 'zstd'), '"v5-zs"')
  t.equal(formTag('W/"v5"', 'gzip'), 'W/"v5-gz"')
  t.end()
})

t.test('every tag of the API comes back from each of its forms, and no two have one form', (t) => {
  const tags = ['"v5"', '""', '"-gz"', '"v5-gz"', '"v5-gz-br"', '"v5-id"', 'W/"v5-zs"', '"a-id-id"']
  const seen = new Set<string>()
  for (const tag of tags) {
    for (const coding of CODINGS) {
      const form = formTag(tag, coding)
      t.equal(representationTag(form), tag, `${tag} as ${coding}`)
      t.notOk(seen.has(form), form)
      seen.add(form)
    }
  }
  t.end()
})

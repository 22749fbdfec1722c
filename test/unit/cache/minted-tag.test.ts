import t from 'tap'
import { isMinted, tagMint } from '../../../src/cache/minted-tag.ts'

const body = Buffer.from('{"id": 1}')

t.test('a minted tag is recognised whatever its secret, and no other is', (t) => {
  for (const secret of ['secret one', 'secret two']) {
    const tag = tagMint(secret)('7', 'a', body)
    t.ok(isMinted(tag))
    t.notOk(isMinted(`W/${tag}`))
    for (let i = 1; i < 21; i++) {
      const other = `${tag.slice(0, i)}${tag[i] === 'x' ? 'y' : 'x'}${tag.slice(i + 1)}`
      t.notOk(isMinted(other), `another character at ${i}`)
    }
  }
  for (const tag of ['', '""', '"v5"', '"noAUUuJrsMN8nKfDR2nN0g"', '"1B2M2Y8AsgTpgAmY7PhCfg"']) {
    t.notOk(isMinted(tag), tag)
  }
  t.end()
})

t.test('a tag whose last character has bits to spare is not minted', (t) => {
  const tag = tagMint('secret one')('7', 'a', body)
  const last = tag[22] as string
  const next = String.fromCharCode(last.charCodeAt(0) + 1)
  const other = `${tag.slice(0, 22)}${next}"`
  t.ok(
    Buffer.from(other.slice(1, -1), 'base64url').equals(Buffer.from(tag.slice(1, -1), 'base64url')),
  )
  t.notOk(isMinted(other))
  t.end()
})

import t from 'tap'
import { hit, outcome } from '../../../src/cache/outcome.ts'
import { Telling } from '../../../src/http/told.ts'

t.test('what was told last is told again as long as it is the same, and not longer', (t) => {
  const telling = new Telling()
  const first = telling.linesFor(hit('memory', 19, 41))
  t.strictSame(first.list, ['Age', '19', 'Cache-Status', 'layby; hit; ttl=41; detail=memory'])
  t.equal(first.text, '\r\nAge: 19\r\nCache-Status: layby; hit; ttl=41; detail=memory\r\n')
  t.equal(telling.linesFor(hit('memory', 19, 41)), first)
  t.match(telling.linesFor(hit('memory', 20, 41)).text, 'Age: 20')
  t.match(telling.linesFor(hit('memory', 20, 40)).text, 'ttl=40;')
  t.match(telling.linesFor(hit('redis', 20, 40)).text, 'detail=redis')
  t.end()
})

t.test('what is no hit is told anew', (t) => {
  const telling = new Telling()
  telling.linesFor(hit('memory', 0, 60))
  const fill = outcome('fill', {
    forward: 'uri-miss',
    stored: true,
    ttl: 60,
    detail: 'memory',
    age: 0,
  })
  t.match(telling.linesFor(fill).text, 'fwd=uri-miss; stored')
  t.match(telling.linesFor({ ...fill, forward: 'stale' }).text, 'fwd=stale; stored')
  t.match(telling.linesFor(hit('memory', 0, 60)).text, 'layby; hit')
  t.end()
})

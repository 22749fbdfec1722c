import t from 'tap'
import { hit, outcome } from '../../../src/cache/outcome.ts'
import { AS_THE_API_SAYS, EVERY_PAGE } from '../../../src/http/cors-fields.ts'
import { Telling } from '../../../src/http/told.ts'

t.test('what was told last is told again as long as it is the same, and not longer', (t) => {
  const telling = new Telling(null)
  const first = telling.linesFor(hit('memory', 19, 41), AS_THE_API_SAYS, null)
  t.strictSame(first.list, ['Age', '19', 'Cache-Status', 'layby; hit; ttl=41; detail=memory'])
  t.equal(first.text, '\r\nAge: 19\r\nCache-Status: layby; hit; ttl=41; detail=memory\r\n')
  t.equal(telling.linesFor(hit('memory', 19, 41), AS_THE_API_SAYS, null), first)
  t.match(telling.linesFor(hit('memory', 20, 41), AS_THE_API_SAYS, null).text, 'Age: 20')
  t.match(telling.linesFor(hit('memory', 20, 40), AS_THE_API_SAYS, null).text, 'ttl=40;')
  t.match(telling.linesFor(hit('redis', 20, 40), AS_THE_API_SAYS, null).text, 'detail=redis')
  t.match(
    telling.linesFor(hit('redis', 20, 40), EVERY_PAGE, null).text,
    'Access-Control-Allow-Origin: *',
  )
  t.notMatch(telling.linesFor(hit('redis', 20, 40), AS_THE_API_SAYS, null).text, 'Access-Control')
  t.end()
})

t.test('what is no hit is told anew', (t) => {
  const telling = new Telling(null)
  telling.linesFor(hit('memory', 0, 60), AS_THE_API_SAYS, null)
  const fill = outcome('fill', {
    forward: 'uri-miss',
    stored: true,
    ttl: 60,
    detail: 'memory',
    age: 0,
  })
  t.match(telling.linesFor(fill, AS_THE_API_SAYS, null).text, 'fwd=uri-miss; stored')
  t.match(
    telling.linesFor({ ...fill, forward: 'stale' }, AS_THE_API_SAYS, null).text,
    'fwd=stale; stored',
  )
  t.match(telling.linesFor(hit('memory', 0, 60), AS_THE_API_SAYS, null).text, 'layby; hit')
  t.end()
})

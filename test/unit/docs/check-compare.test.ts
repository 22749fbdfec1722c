/** How `npm run docs:check` compares what a page claims with what came. */
import t from 'tap'
import { differenceOf, fits } from '../../../docs/check/compare.ts'
import type { Output } from '../../../docs/check/page.ts'

const output = (text: string, more: Partial<Output> = {}): Output => ({
  kind: 'output',
  line: 10,
  language: 'text',
  text,
  isAgain: false,
  numbersVary: false,
  ...more,
})

t.test('lines are the same but for white space, line ends and blank lines around them', (t) => {
  t.equal(differenceOf(output('A  B\nC'), '\nA B  \r\nC\r\n\n'), null)
  t.match(differenceOf(output('A\nB'), 'A\nC\n'), { line: 11, claimed: 'B', came: 'C' })
  t.match(differenceOf(output('A B'), 'AB'), { claimed: 'A B', came: 'AB' })
  t.end()
})

t.test('a line too few and a line too many are differences', (t) => {
  t.match(differenceOf(output('A\nB'), 'A'), { line: 11, claimed: 'B', came: '(nothing more)' })
  t.match(differenceOf(output('A'), 'A\nB\nC'), { line: 11, claimed: '(the end)', came: 'B\nC' })
  t.match(differenceOf(output('A'), ''), { line: 10, came: '(nothing more)' })
  t.end()
})

t.test('an ellipsis stands for anything in a line, and alone for any number of lines', (t) => {
  t.equal(differenceOf(output('id: …\n…\nend'), 'id: f98f\nx\ny\nend'), null)
  t.equal(differenceOf(output('…'), ''), null)
  t.equal(differenceOf(output('a\n…'), 'a'), null)
  t.equal(differenceOf(output('…\nb\n…\nb'), 'b\nb\nb'), null, 'it may have to go back')
  t.match(differenceOf(output('…\nend\n…'), 'a\nb'), { line: 11, claimed: 'end' })
  t.end()
})

t.test('numbers vary only where that is said', (t) => {
  t.ok(fits('12  77  0.0%', '12 1,204 83.5%', true))
  t.notOk(fits('12  77', '12 78', false))
  t.notOk(fits('hits 12', 'misses 12', true))
  t.notOk(fits('ttl=300', 'ttl=', true))
  t.end()
})

t.test('what means something to a pattern is taken as it is', (t) => {
  t.ok(fits('a.b (c) [d] *', 'a.b (c) [d] *', false))
  t.notOk(fits('a.b', 'axb', false))
  t.end()
})

t.test('JSON has at least the members that are claimed', (t) => {
  const json = (text: string, more: Partial<Output> = {}) =>
    output(text, { language: 'json', ...more })
  t.equal(differenceOf(json('{"a": {"b": 1}, "c": "x…"}'), '{"c":"xyz","d":2,"a":{"b":1}}'), null)
  t.match(differenceOf(json('{\n"a": {"b": 1},\n"c": "y"}'), '{"a":{"b":1},"c":"x"}'), {
    line: 12,
    claimed: 'c: "y"',
    came: 'c: "x"',
  })
  t.match(differenceOf(json('{"a": {"b": 1}}'), '{"a":{}}'), { came: 'a.b: no such member' })
  t.match(differenceOf(json('[1, 2]'), '[1]'), { came: /\[1\]/ })
  t.match(differenceOf(json('{"a": []}'), '{"a":{}}'), { claimed: 'a: []' })
  t.equal(differenceOf(json('{"a": 1}', { numbersVary: true }), '{"a":2}'), null)
  t.ok(differenceOf(json('{"a": 1}', { numbersVary: true }), '{"a":"2"}'))
  t.ok(differenceOf(json('{"a": null}'), '{}'), 'null is not the same as no member')
  t.match(differenceOf(json('{"a": 1}'), 'no JSON'), { came: 'no JSON' })
  t.match(differenceOf(json('{a: 1}'), '{}'), { came: 'what is claimed is not JSON' })
  t.end()
})

/** What `npm run docs:check` reads in a page. */
import t from 'tap'
import { parseMark } from '../../../docs/check/marks.ts'
import { parsePage, portsNamed } from '../../../docs/check/page.ts'

const page = (...lines: string[]): string => lines.join('\n')

t.test('a mark is read from the info string, or from a comment above', (t) => {
  const { steps, faults } = parsePage(
    'a.md',
    page(
      '# Title',
      '```sh run',
      'echo one',
      'echo two',
      '```',
      '<!-- check: smoke needs=node: ready to go -->',
      '```sh',
      'npm start',
      '```',
      '- in a list',
      '  ```sh skip: takes an hour',
      '  npm test',
      '  ```',
    ),
  )
  t.strictSame(faults, [])
  t.match(steps, [
    { kind: 'run', page: 'a.md', line: 3, script: 'echo one\necho two', needs: null },
    { kind: 'smoke', line: 8, script: 'npm start', until: 'ready to go', needs: 'node' },
    { kind: 'skip', line: 12, script: 'npm test', reason: 'takes an hour' },
  ])
  t.end()
})

t.test('an output belongs to the block that is run above it', (t) => {
  const { steps, faults } = parsePage(
    'a.md',
    page(
      '```sh run',
      'date',
      '```',
      '```text output numbers',
      '12:00',
      '```',
      'Once more:',
      '```text output again',
      '…',
      '```',
      '',
      '```sh run',
      'npm run simulate',
      '```',
      '<!-- check: output -->',
      '| a | b |',
      '|---|---|',
      '',
      '```json',
      '{"no": "claim"}',
      '```',
    ),
  )
  t.strictSame(faults, [])
  t.match(steps, [
    {
      outputs: [
        { line: 5, language: 'text', text: '12:00', numbersVary: true, isAgain: false },
        { line: 9, text: '…', isAgain: true },
      ],
    },
    { outputs: [{ line: 16, language: 'table', text: '| a | b |\n|---|---|' }] },
  ])
  t.end()
})

t.test('a block that is not marked as it must be is a fault of its line', (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [page('```sh', 'npm ci', '```'), /without a mark/],
    [page('```', 'npm ci', '```'), /without a language/],
    [page('```sh skip:', 'npm ci', '```'), /no such mark/],
    [page('```sh run fast', 'npm ci', '```'), /no such mark/],
    [page('```sh walk', 'npm ci', '```'), /no such mark/],
    [page('```sh output', 'npm ci', '```'), /commands are no output/],
    [page('```text run', 'npm ci', '```'), /a mark for commands/],
    [page('```text output', 'text', '```'), /no `run` above/],
    [page('```sh smoke', 'x', '```', '```text output', 'text', '```'), /no `run` above/],
    [page('```sh run', 'x', '```', '```text output again', 'text', '```'), /without a first/],
    [
      page('```sh run', 'x', '```', '```text output', 'a', '```', '```text output', 'b', '```'),
      /a second output/,
    ],
  ]
  for (const [text, reason] of cases) {
    const { faults } = parsePage('a.md', text)
    t.equal(faults.length, 1, text)
    t.match(faults[0]?.came, reason)
  }
  t.end()
})

t.test('a block that is skipped may show an output, which is not compared', (t) => {
  const text = page('```sh skip: no Docker', 'docker ps', '```', '```text output', 'x', '```')
  t.match(parsePage('a.md', text), { faults: [], steps: [{ kind: 'skip' }] })
  t.end()
})

t.test('a number of seconds that is none is no mark', (t) => {
  t.match(parseMark('run within=20'), { withinSeconds: 20 })
  t.equal(parseMark('run within=soon'), null)
  t.equal(parseMark('run needs=docker: why'), null)
  t.end()
})

t.test('the ports that a page names are those of loopback', (t) => {
  const text = 'http://127.0.0.1:8003/a, localhost:9003, again 127.0.0.1:8003, http://10.0.0.4:9004'
  t.strictSame(portsNamed(text), [8003, 9003])
  t.end()
})

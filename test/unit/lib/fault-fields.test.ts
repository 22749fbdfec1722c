import t from 'tap'
import { faultFields } from '../../../src/lib/fault-fields.ts'
import { createLogger } from '../../../src/lib/logger.ts'

const SECRET = 'Anna Muster, gate code 4711'

function parseFault(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    return error
  }
}

const changed = new Error(SECRET)
changed.message = 'another'

const ERRORS: readonly [title: string, error: unknown, type: string][] = [
  ['a message', new TypeError(SECRET), 'TypeError'],
  ['a message of many lines', new Error(`a\n    at ${SECRET} (file.js:1:1)\nb`), 'Error'],
  ['a message that was changed since', changed, 'Error'],
  ['what JSON.parse says', parseFault(`{"a": ${SECRET}}`), 'SyntaxError'],
  ['a cause', new Error('a', { cause: new Error(SECRET) }), 'Error'],
  ['errors within', new AggregateError([new Error(SECRET)], SECRET), 'AggregateError'],
  ['fields of its own', Object.assign(new Error('a'), { args: [SECRET] }), 'Error'],
  ['a name', Object.assign(new Error('a'), { name: SECRET }), 'Error'],
  ['a code', Object.assign(new Error('a'), { code: SECRET }), 'Error'],
  ['a text that was thrown', SECRET, 'thrown string'],
  ['an object that was thrown', { message: SECRET, stack: SECRET }, 'thrown object'],
  ['nothing that was thrown', undefined, 'thrown undefined'],
]

for (const [title, error, type] of ERRORS) {
  t.test(`${title} of an error is not logged`, async (t) => {
    const fields = faultFields(error)
    t.equal(fields['error.type'], type)
    t.notMatch(JSON.stringify(fields), /Anna|4711|file\.js/)
    const lines: string[] = []
    const log = createLogger('trace', { write: (line: string) => void lines.push(line) })
    for (const each of [log, log.child({ a: 1 })]) {
      if (error instanceof Error) each.error(error)
      if (error instanceof Error) each.error(error, 'a fixed text')
      each.error({ err: error instanceof Error ? error : null })
      each.warn({ cause: error instanceof Error ? error : null, tenant: '7' }, 'a fixed text')
    }
    t.notMatch(lines.join(''), /Anna|4711|file\.js/)
    t.match(JSON.parse(lines.at(-1) ?? ''), { message: 'a fixed text', tenant: '7' })
  })
}

t.test('type, code and frames are logged', async (t) => {
  const error = Object.assign(new RangeError('a'), { code: 'ERR_ANY_2' })
  const { 'error.stack_trace': frames = '', ...rest } = faultFields(error)
  t.strictSame(rest, { 'error.type': 'RangeError', 'error.code': 'ERR_ANY_2' })
  t.match(frames, /^ {4}at .*fault-fields\.test\.[jt]s:[0-9]+:[0-9]+/)
  t.match(faultFields(new Error(''))['error.stack_trace'], /fault-fields\.test/)
})

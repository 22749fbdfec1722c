/**
 * Content that our JSON reader refuses, or reads otherwise than the API may: the write's answer comes as the API gave
 * it, whatever the content may have changed is not served from the cache, and nothing of it is in the log.
 */
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const DEEP = '['.repeat(20_000) + ']'.repeat(20_000)
const NAME = '"Anna Muster, gate code 4711"'

/** Each may name customer 2 as the new parent, to a reader of some kind. */
const CONTENTS: Readonly<Record<string, string>> = {
  'a parent that is there twice': `{"parent_id":2,${NAME}:1,"parent_id":3}`,
  'a parent that is there twice, once escaped': `{"p\\u0061rent_id":2,${NAME}:1,"parent_id":null}`,
  'a large parent that is there twice': `{"parent_id":2,"parent_id":9007199254740993,${NAME}:1}`,
  'a parent that is no number': `{"parent_id":"2",${NAME}:1}`,
  'a final comma': `{"parent_id":2,${NAME}:1,}`,
  'a comment': `{"parent_id":2 /* ${NAME} */}`,
  'a byte order mark': `\ufeff{"parent_id":2,${NAME}:1}`,
  'names without quotes': `{parent_id:2,${NAME}:1}`,
  'no number': `{"parent_id":2,${NAME}:NaN}`,
  'a list': `[{"parent_id":2,${NAME}:1}]`,
  'half of an object': `{"parent_id":2,${NAME}`,
  'half of an object that is deep': `{"parent_id":2,${NAME}:${DEEP}`,
}

/** These can be read, so that nothing else is touched. */
const READABLE: Readonly<Record<string, string>> = {
  'a large id beside another name that is there twice': `{"parent_id":9007199254740993,${NAME}:1,${NAME}:2}`,
  'a large id and depth': `{"parent_id":9007199254740993,"x":${DEEP},${NAME}:1}`,
  'a parent that is there once, and once within': `{"parent_id":5,"x":{"parent_id":2},${NAME}:1}`,
}

async function read(app: TestApp, id: number): Promise<string> {
  const reply = await app.get(`/customers/${id}`)
  t.equal(reply.status, 200)
  return String(reply.headers['cache-status'])
}

async function start(t: Test, answer: string): Promise<TestApp> {
  const upstream = await startUpstream(t, (received, res) => {
    const id = /[0-9]+$/.exec(received.url)?.[0]
    if (received.method === 'GET') sendJson(res, received, `{"id":${id},"parent_id":null}`)
    else sendJson(res, received, answer)
  })
  const app = await buildTestApp(t, upstream.url)
  for (const id of [1, 2, 9]) await read(app, id)
  return app
}

async function write(t: Test, app: TestApp, content: string, answer: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const reply = await app.get('/customers/1', { method: 'PATCH', headers, body: content })
  t.equal(reply.status, 200)
  t.equal(reply.body, answer.replace('\ufeff', ''))
  t.notMatch(app.logged(), /Anna Muster|gate code 4711/)
  t.notMatch(app.logged(), /internal error/)
}

for (const [title, content] of Object.entries(CONTENTS)) {
  t.test(`a write with ${title} changes all that it may have changed`, async (t) => {
    const answer = '{"ok":true}'
    const app = await start(t, answer)
    t.match(await read(app, 2), /; hit/)
    await write(t, app, content, answer)
    for (const id of [1, 2, 9]) {
      t.notMatch(await read(app, id), /; hit/)
      t.match(await read(app, id), /; hit/, 'it is settled')
    }
  })

  t.test(`an answer to a write with ${title} changes all that it may tell of`, async (t) => {
    const app = await start(t, content)
    await write(t, app, '{"name":"a"}', content)
    t.notMatch(await read(app, 2), /; hit/)
    t.match(await read(app, 2), /; hit/, 'it is settled')
  })
}

for (const [title, content] of Object.entries(READABLE)) {
  t.test(`a write with ${title} leaves others as they were`, async (t) => {
    const answer = '{"ok":true}'
    const app = await start(t, answer)
    await write(t, app, content, answer)
    t.notMatch(await read(app, 1), /; hit/)
    for (const id of [2, 9]) t.match(await read(app, id), /; hit/)
  })
}

t.test('an answer whose parent is there twice is given, and not stored', async (t) => {
  const body = `{"id":1,"parent_id":1,"parent_id":2,${NAME}:1}`
  const upstream = await startUpstream(t, (received, res) => sendJson(res, received, body))
  const app = await buildTestApp(t, upstream.url)
  for (let i = 0; i < 2; i++) {
    const reply = await app.get('/customers/1')
    t.equal(reply.body, body)
    t.match(reply.headers['cache-status'], /reject\.body/)
  }
})

t.test('a fault of our own that quotes content is logged without it', async (t) => {
  const upstream = await startUpstream(t)
  let faults = 0
  const newRequestId = (): string => {
    if (faults++ === 0) JSON.parse(`{"a": ${NAME.slice(1)}}`)
    return '0198c0de-0000-4000-8000-000000000000'
  }
  const app = await buildTestApp(t, upstream.url, {}, { newRequestId })
  t.equal((await app.get('/customers/1')).status, 500)
  t.match(
    app.logged(),
    /"error\.type":"SyntaxError".*"error\.stack_trace":" {4}at .*internal error/,
  )
  t.notMatch(app.logged(), /Anna Muster|gate code 4711/)
})

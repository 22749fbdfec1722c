/** `npm run docs:check` on pages of its own: a wrong claim is a fault of its line, and nothing is left running. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type CheckOptions, checkPages } from '../../docs/check/check.ts'
import { newcomerEnvironment } from '../../docs/check/children.ts'
import { freePort } from '../helpers/free-port.ts'

async function check(t: Test, lines: readonly string[], more: Partial<CheckOptions> = {}) {
  const folder = t.testdir({})
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'PAGE.md'), lines.join('\n'))
  const has = (program: string) => program !== 'docker'
  const checked = await checkPages({
    folder,
    pages: ['PAGE.md'],
    budgetMs: 60_000,
    endMs: 10_000,
    has,
    ...more,
  })
  return { folder, checked }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const pidIn = (folder: string, file = 'pid'): number =>
  Number(readFileSync(join(folder, file), 'utf8'))

t.test('true claims are no faults, and blocks of a page share their shell', async (t) => {
  const { checked } = await check(t, [
    '```sh run',
    'export WHO=world; greet() { echo "hello $1"; }',
    "alias twice='echo again'",
    '```',
    '```sh run',
    'greet $WHO; twice',
    'cat',
    '```',
    '```text output',
    'hello …',
    'again',
    '```',
  ])
  t.strictSame(checked.faults, [])
  t.equal(checked.ran, 2)
})

t.test('a wrong claim is reported with page, line, what was claimed and what came', async (t) => {
  const { checked } = await check(t, [
    'A hit:',
    '```sh run',
    "printf 'HTTP/1.1 200 OK\\r\\nCache-Status: layby; hit; detail=memory\\r\\n'",
    '```',
    '```text output',
    'HTTP/1.1 200 OK',
    'Cache-Status: layby; hit; detail=redis',
    '```',
  ])
  t.match(checked.faults, [
    {
      page: 'PAGE.md',
      line: 7,
      claimed: 'Cache-Status: layby; hit; detail=redis',
      came: 'Cache-Status: layby; hit; detail=memory',
    },
  ])
})

t.test('a command that fails is a fault, whatever comes after it', async (t) => {
  const { checked } = await check(t, [
    '```sh run',
    'true',
    'ls /no/such/folder',
    'echo done',
    '```',
    '```text output',
    'done',
    '```',
  ])
  t.match(checked.faults, [{ line: 3, claimed: 'ls /no/such/folder', came: /exit code 2/ }])
})

t.test('`output again` is of a second run, and `within` waits for what is claimed', async (t) => {
  const { checked } = await check(t, [
    '```sh run',
    'test -e first && echo hit || echo miss; touch first',
    '```',
    '```text output',
    'miss',
    '```',
    '```text output again',
    'hit',
    '```',
    '```sh run within=20',
    'echo x >>tries; test $(wc -l <tries) -ge 2 && echo there',
    '```',
    '```text output',
    'there',
    '```',
  ])
  t.strictSame(checked.faults, [])
})

t.test(
  'what is started must reach its line, and is interrupted at the end of the page',
  async (t) => {
    const { checked, folder } = await check(t, [
      '```sh smoke: listening',
      'echo $$ >pid; echo listening; (echo $BASHPID >sleeping; exec sleep 300)',
      '```',
      '```sh run',
      'cat pid',
      '```',
    ])
    t.strictSame(checked.faults, [])
    t.equal(checked.started, 1)
    t.notOk(isRunning(pidIn(folder)))
    t.notOk(isRunning(pidIn(folder, 'sleeping')), 'and so is what that has started')
  },
)

t.test('what ends at once, or does not reach its line, is a fault', async (t) => {
  const { checked } = await check(t, ['```sh smoke: listening', 'echo no port; exit 1', '```'])
  t.match(checked.faults, [{ line: 2, claimed: 'listening', came: /it ended.*no port/s }])
  const { checked: silent } = await check(t, ['```sh smoke', 'exit 0', '```'])
  t.match(silent.faults, [{ line: 2, came: /it ended/ }])
  const start = ['```sh smoke: listening', 'echo $$ >pid; sleep 300', '```']
  const { checked: late, folder } = await check(t, start, { budgetMs: 500 })
  t.match(late.faults, [{ line: 2, came: /not within/ }])
  t.notOk(isRunning(pidIn(folder)))
})

t.test('what does not end when it is interrupted is a fault, and ended all the same', async (t) => {
  const lines = [
    '```sh smoke: listening',
    "trap '' INT; echo $$ >pid; echo listening; sleep 300",
    '```',
  ]
  const { checked, folder } = await check(t, lines, { endMs: 200 })
  t.match(checked.faults, [{ line: 2, came: /still ran/ }])
  t.notOk(isRunning(pidIn(folder)))
})

t.test('what has died before its page is over is a fault', async (t) => {
  const { checked } = await check(t, [
    '```sh smoke: listening',
    'echo $$ >pid; echo listening; exec sleep 300',
    '```',
    '```sh run',
    'kill $(cat pid); while kill -0 $(cat pid); do sleep 0.1; done',
    '```',
  ])
  t.match(checked.faults, [{ line: 2, came: /it had ended before/ }])
})

t.test(
  'a port that the page names and something else has is a fault, and nothing is started',
  async (t) => {
    const port = await freePort()
    const server = createServer().listen(port, '127.0.0.1')
    t.teardown(() => server.close())
    const { checked, folder } = await check(t, [
      `Open http://127.0.0.1:${port}/dashboard.`,
      '```sh smoke: never',
      'touch started; echo never',
      '```',
      '```sh run',
      'touch asked',
      '```',
    ])
    t.match(checked.faults, [{ line: 3, came: new RegExp(`port ${port}.*taken`) }])
    t.match(checked.skipped, [{ line: 6, reason: 'what the page starts has not started' }])
    t.notOk(existsSync(join(folder, 'started')))
    t.notOk(existsSync(join(folder, 'asked')), 'nor is what has the port asked')
  },
)

t.test(
  'what is not over when the time is, is ended, and what comes after it is not run',
  async (t) => {
    const lines = ['```sh run', 'echo $$ >pid; sleep 300', '```', '```sh run', 'echo later', '```']
    const { checked, folder } = await check(t, lines, { budgetMs: 1_500 })
    t.match(checked.faults, [
      { line: 2, came: /not over in time/ },
      { line: 5, came: 'no time was left' },
    ])
    t.notOk(isRunning(pidIn(folder)))
  },
)

t.test('what needs a program that is not there is skipped, and said', async (t) => {
  const { checked } = await check(t, [
    '```sh run needs=docker',
    'docker ps',
    '```',
    '```sh skip: takes an hour',
    'exit 1',
    '```',
  ])
  t.match(checked, {
    faults: [],
    ran: 0,
    skipped: [
      { page: 'PAGE.md', line: 2, reason: 'docker is not there' },
      { line: 5, reason: 'takes an hour' },
    ],
  })
})

t.test('commands have the environment of a newcomer', (t) => {
  const own = {
    PATH: '/a/node_modules/.bin:/usr/bin',
    HOME: '/home/me',
    LAYBY_OPS_ADMIN_TOKEN: 'a secret of the operator',
    NODE_OPTIONS: '--import tap',
    TAP: '1',
    npm_lifecycle_event: 'docs:check',
    npm_config_registry: 'https://registry.example',
  }
  const environment = newcomerEnvironment(own)
  t.match(environment, {
    PATH: '/usr/bin',
    HOME: '/home/me',
    npm_config_registry: 'https://registry.example',
  })
  t.strictSame(
    Object.keys(own).filter((name) => !(name in environment)),
    ['LAYBY_OPS_ADMIN_TOKEN', 'NODE_OPTIONS', 'TAP', 'npm_lifecycle_event'],
  )
  t.end()
})

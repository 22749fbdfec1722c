/** `npm start` and `bin/layby.js`, as a supervisor and a newcomer meet them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import t, { type Test } from 'tap'
import { freePort } from '../helpers/free-port.ts'
import { until } from '../helpers/until.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly bin: { readonly layby: string }
  readonly engines: { readonly node: string }
  readonly scripts: Readonly<Record<string, string>>
}

/** A checkout with what is named, each a link into this one; its scripts build nothing. */
function checkout(t: Test, ...built: ('dist' | 'node_modules')[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'layby-checkout-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const scripts = { ...PACKAGE.scripts, build: 'true', 'build:all': 'true' }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...PACKAGE, scripts }))
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true })
  if (built.includes('node_modules'))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  if (built.includes('dist')) symlinkSync(join(ROOT, '.build'), join(folder, 'dist'))
  return folder
}

function start(
  t: Test,
  cwd: string,
  command: readonly string[],
  variables: readonly string[] = [],
) {
  const { PATH = '' } = process.env
  const child = spawn('env', ['-i', `PATH=${PATH}`, `HOME=${cwd}`, ...variables, ...command], {
    cwd,
  })
  t.teardown(() => void child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }))
  return { child: child as ChildProcess, output: () => output, ended }
}

const isAnswered = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/health/live`).then(
    () => true,
    () => false,
  )

t.test('what ends npm start ends the server, within the time of its drain', async (t) => {
  const [port, opsPort] = [await freePort(), await freePort()]
  const running = start(
    t,
    checkout(t, 'dist', 'node_modules'),
    ['npm', 'start'],
    [
      'LAYBY_UPSTREAM_URL=http://127.0.0.1:9',
      `LAYBY_SERVER_PORT=${port}`,
      `LAYBY_OPS_PORT=${opsPort}`,
      'LAYBY_SERVER_DRAIN_DELAY_MS=0',
    ],
  )
  await until(() => /"message":"listening"/.test(running.output()), 'that it listens')
  t.ok(await isAnswered(opsPort))
  running.child.kill('SIGTERM')
  const { output } = await running.ended
  t.match(output, /"signal":"SIGTERM"[^\n]*"message":"stopping"/, 'it heard of it')
  t.notOk(await isAnswered(opsPort), 'nothing listens any more')
})

t.test('each script that starts something takes the place of its shell', async (t) => {
  for (const [name, script] of Object.entries(PACKAGE.scripts)) {
    const last = script.split('&&').at(-1)?.trim() ?? ''
    // What `npm test` does last takes no time.
    if (name === 'test' || !/\b(?:node|sh) /.test(last)) continue
    t.match(last, /^exec /, name)
  }
  t.match(PACKAGE.scripts['start'], /&& exec /)
})

t.test('layby says what is missing, and builds nothing', async (t) => {
  const cases: [string, RegExp][] = [
    [checkout(t), /^layby: not built yet: run "npm ci && npm run build" [^\n]*\n$/],
    [checkout(t, 'node_modules'), /^layby: not built yet: [^\n]*\n$/],
  ]
  const bare = checkout(t)
  mkdirSync(join(bare, 'dist'))
  cpSync(join(ROOT, '.build/src'), join(bare, 'dist/src'), { recursive: true })
  cases.push([bare, /^layby: its packages are not installed: run "npm ci" [^\n]*\n$/])
  for (const [folder, expected] of cases) {
    const { code, output } = await start(t, folder, ['node', PACKAGE.bin.layby, 'top']).ended
    t.equal(code, 78)
    t.match(output, expected)
  }
  t.notOk(existsSync(join(cases[0]?.[0] as string, 'dist')))
})

t.test('layby runs a command, by its file, by a link to it, and by npm', async (t) => {
  const folder = checkout(t, 'dist', 'node_modules')
  symlinkSync(join(folder, PACKAGE.bin.layby), join(folder, 'layby'))
  for (const command of [
    [join(folder, PACKAGE.bin.layby)],
    [join(folder, 'layby')],
    ['npm', 'run', '--silent', 'layby', '--'],
  ]) {
    const { code, output } = await start(t, folder, [...command, '--version']).ended
    t.equal(code, 0)
    t.match(output, /^\d+\.\d+\.\d+\n$/)
  }
  const missing = await start(t, folder, ['npm', 'run', '--silent', 'layby', '--', 'check-config'])
    .ended
  t.match(missing, { code: 78, output: /upstream\.url: is required/ })
})

t.test('an old Node gets the version that is needed, from a file that it can read', async (t) => {
  const folder = checkout(t, 'dist', 'node_modules')
  const needed = PACKAGE.engines.node.replace('>=', '')
  const versions = 'Object.defineProperty(process, "versions", { value: { node: "18.20.8" } })'
  const old = `--import=data:text/javascript,${encodeURIComponent(versions)}`
  for (const args of [[], ['--version'], ['--check-node']]) {
    const ended = await start(t, folder, ['node', old, PACKAGE.bin.layby, ...args]).ended
    t.match(ended, { code: 78, output: `layby: needs Node >= ${needed}, this is 18.20.8\n` })
  }
  t.match(await start(t, folder, ['node', PACKAGE.bin.layby, '--check-node']).ended, {
    code: 0,
    output: '',
  })
  t.match(PACKAGE.scripts['start'], /^node bin\/layby\.js --check-node && /, 'before it builds')
  const text = readFileSync(join(ROOT, PACKAGE.bin.layby), 'utf8').replace(/^#!.*/, '')
  t.doesNotThrow(() => new Script(text), 'it is no module only')
  t.notMatch(
    text.replace(/^ *\/\/.*$/gm, ''),
    /\?\?|\?\.|=>|`|\b(?:await|const|let|class)\b|#[a-z]/,
  )
})

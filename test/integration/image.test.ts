/** The steps of the Dockerfile, walked without Docker: each stage has the files that it needs, and what it starts serves. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { HEADERS } from '../helpers/app.ts'
import { bareNode } from '../helpers/bare-node.ts'
import { type Copy, copyOf, dockerfile, execForm, isSent, ROOT } from '../helpers/dockerfile.ts'
import { startUpstream } from '../helpers/upstream.ts'

t.setTimeout(600_000)

const STAGES = dockerfile()

/** Builds every stage below `images`, its root file system being a folder. */
function build(images: string): void {
  for (const { name, from, steps } of STAGES) {
    const app = join(images, name, 'app')
    mkdirSync(app, { recursive: true })
    const base = join(images, from, 'app')
    if (STAGES.some((each) => each.name === from)) {
      cpSync(base, app, { recursive: true, verbatimSymlinks: true })
    }
    for (const step of steps) carryOut(step, app, images)
  }
}

function carryOut(step: string, app: string, images: string): void {
  const copied = copyOf(step)
  if (copied !== undefined) copy(copied, app, images)
  if (!step.startsWith('RUN ')) return
  // What was installed is here already, and is neither changed nor copied.
  if (step === 'RUN npm ci') symlinkSync(join(ROOT, 'node_modules'), join(app, 'node_modules'))
  const script = /npm run (build(?::all)?)\b/.exec(step)?.[1]
  if (script === undefined) return
  // The test runner would have every Node that is started load parts of it: the compiler does not start then.
  const own = ['PATH', 'HOME'].map((name) => `${name}=${process.env[name]}`)
  execFileSync('env', ['-i', ...own, 'npm', 'run', '--silent', script], { cwd: app })
}

function copy({ stage, paths, to }: Copy, app: string, images: string): void {
  for (const path of paths) {
    if (stage === undefined) t.ok(isSent(path), `${path} is sent`)
    const from = stage === undefined ? join(ROOT, path) : join(images, stage, path)
    const target = to === './' ? join(app, to, path.split('/').at(-1) as string) : join(app, to)
    cpSync(from, target, { recursive: true, verbatimSymlinks: true })
  }
}

function commandOf(name: string): string[] {
  const stage = STAGES.find((each) => each.name === name)
  return stage === undefined ? [] : execForm(stage, 'CMD')
}

/** Starts a stage's command, with more arguments; resolves with the first line that matches. */
async function start(
  t: Test,
  images: string,
  name: string,
  { args = [], env = {}, until }: { args?: string[]; env?: Record<string, string>; until: RegExp },
): Promise<RegExpExecArray> {
  const [, ...command] = commandOf(name)
  const { PATH = '' } = process.env
  const cwd = join(images, name, 'app')
  const child = spawn('env', bareNode([...command, ...args]), { cwd, env: { PATH, ...env } })
  t.teardown(async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const lines: string[] = []
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()))
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    const found = until.exec(line)
    if (found !== null) return found
  }
  throw new Error(`${name} ended: ${lines.join('\n')}`)
}

const images = mkdtempSync(join(tmpdir(), 'layby-image-'))
t.teardown(() => rmSync(images, { recursive: true }))

t.test('every stage is built from what is sent to Docker', async () => build(images))

t.test('the image of Layby serves, and is watched, with nothing but what was copied', async (t) => {
  const upstream = await startUpstream(t)
  const env = {
    LAYBY_UPSTREAM_URL: upstream.url,
    LAYBY_SERVER_PORT: '0',
    LAYBY_OPS_PORT: '0',
    LAYBY_SERVER_DRAIN_DELAY_MS: '0',
  }
  const [, url = '', opsUrl = ''] = await start(t, images, 'layby', {
    env,
    until: /"url":"([^"]+)","ops_url":"([^"]+)"/,
  })
  t.equal((await fetch(`${url}/customers/1/`, { headers: HEADERS })).status, 200)
  for (const path of ['/health/live', '/health/ready', '/metrics', '/dashboard']) {
    t.equal((await fetch(`${opsUrl}${path}`)).status, 200, path)
  }
})

t.test('the image of the sample upstream needs nothing but Node', async (t) => {
  const args = ['--host', '127.0.0.1', '--port', '0']
  const [, url] = await start(t, images, 'sample-upstream', { args, until: /on (http:\S+)$/ })
  t.equal((await fetch(`${url}/__stats`)).status, 200)
})

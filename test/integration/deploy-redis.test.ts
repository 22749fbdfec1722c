/** deploy/: its secrets and its Redis as they are started there, and a real Layby on them. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { TestApp } from '../helpers/app.ts'
import { freePort } from '../helpers/free-port.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startUpstream } from '../helpers/upstream.ts'

const DEPLOY = fileURLToPath(new URL('../../../deploy/', import.meta.url))

function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'layby-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

function makeSecrets(folder: string): void {
  execFileSync('sh', [join(DEPLOY, 'make-secrets.sh'), folder], { stdio: 'ignore' })
}

t.test('each secret is made once, long enough, and never written over', async (t) => {
  const folder = join(temporaryFolder(t), 'secrets')
  makeSecrets(folder)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  const secrets = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  t.equal(new Set(secrets).size, 5)
  for (const secret of secrets) t.match(secret, /^[A-Za-z0-9_-]{43}$/)
  makeSecrets(folder)
  const again = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
  t.strictSame(again, secrets)
})

t.test('Layby has all it needs of the Redis of deploy/, and others have nothing', async (t) => {
  const folder = temporaryFolder(t)
  makeSecrets(folder)
  const port = await freePort()
  const env = { ...process.env, PASSWORD_FILE: join(folder, 'redis_password'), RUN_DIR: folder }
  const args = [join(DEPLOY, 'redis/start.sh'), '--port', String(port), '--bind', '127.0.0.1']
  const redis = spawn('sh', args, { env, cwd: folder, stdio: 'ignore' })
  t.teardown(async () => {
    redis.kill('SIGTERM')
    await once(redis, 'exit')
  })
  const cli = (...words: string[]): string =>
    execFileSync('redis-cli', ['-p', String(port), '--no-auth-warning', ...words], {
      encoding: 'utf8',
    })
  const asHealth = ['--user', 'health', '--pass', '-']
  await until(async () => {
    try {
      return cli(...asHealth, 'ping') === 'PONG\n'
    } catch {
      return false
    }
  })
  t.match(cli(...asHealth, 'get', 'layby:x'), 'NOPERM')
  t.match(cli('ping'), 'NOAUTH')

  const upstream = await startUpstream(t)
  const password = readFileSync(join(folder, 'redis_password'), 'utf8')
  const settings = { url: `redis://127.0.0.1:${port}`, username: 'layby', password }
  const [a, b] = (await startInstances(t, 2, upstream.url, settings)) as [TestApp, TestApp]
  await until(async () => (await gauge(a, 'layby_redis_up')) === 1)
  t.equal((await a.get('/customers/1')).status, 200)
  await until(async () =>
    String((await b.get('/customers/1')).headers['cache-status']).includes('; hit'),
  )
  t.equal((await a.get('/customers/1', { method: 'PATCH', body: '{}' })).status, 200)
  t.notMatch(a.logged(), 'NOPERM')
})

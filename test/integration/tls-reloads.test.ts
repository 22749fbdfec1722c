/** Files of TLS are read anew when they change; what can't be used is said, and what was read before stays in use. */
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { type Certificate, makeCertificate } from '../helpers/certificates.ts'
import { until } from '../helpers/until.ts'
import { startUpstream } from '../helpers/upstream.ts'

const REQUEST =
  'GET /customers/1 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer a.b\r\nx-tenant-id: 7\r\n\r\n'

function folder(t: Test): string {
  const made = mkdtempSync(join(tmpdir(), 'layby-reload-'))
  t.teardown(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** As a careful tool does it: a reader has the old or the new file, whole. */
function replace(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

async function handshake(t: Test, app: TestApp): Promise<{ socket: TLSSocket; name: string }> {
  const port = Number(new URL(app.url).port)
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return { socket, name: socket.getPeerCertificate().fingerprint256 }
}

async function nameNow(t: Test, app: TestApp): Promise<string> {
  const { socket, name } = await handshake(t, app)
  socket.destroy()
  return name
}

async function read(socket: TLSSocket): Promise<string> {
  socket.write(REQUEST)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString('latin1')
}

async function metric(app: TestApp, series: string): Promise<number> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`${series} `))
  return Number(line?.slice(series.length))
}

const reloads = (file: string, result: string): string =>
  `layby_tls_reloads_total{file="${file}",result="${result}"}`

t.test('a certificate and its key that are replaced serve the next handshake', async (t) => {
  const dir = folder(t)
  const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const [first, second] = [makeCertificate(t, 'DNS:a.example'), makeCertificate(t, 'DNS:b.example')]
  cpSync(first.cert, cert)
  cpSync(first.key, key)
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url, { server: { tls: { cert, key } } })
  const before = await handshake(t, app)
  t.match(await read(before.socket), /^HTTP\/1.1 200 /)

  replace(cert, readFileSync(second.cert))
  replace(key, readFileSync(second.key))
  await until(async () => (await metric(app, reloads('server', 'loaded'))) === 1, 'the reload')
  t.not(await nameNow(t, app), before.name)
  t.match(await read(before.socket), /^HTTP\/1.1 200 /, 'connections that there are stay')
  t.match(app.logged(), /"file":"server".*tls files reloaded/)

  const renewed = await nameNow(t, app)
  replace(key, readFileSync(first.key))
  await until(async () => (await metric(app, reloads('server', 'rejected'))) === 1, 'a wrong key')
  t.equal(await nameNow(t, app), renewed, 'the pair before stays in use')
  rmSync(cert)
  await until(async () => (await metric(app, reloads('server', 'rejected'))) === 2, 'no file')
  t.equal(await nameNow(t, app), renewed)
  t.match(app.logged(), /tls files rejected: those before stay in use/)
  t.notMatch(app.logged(), dir)

  replace(cert, readFileSync(first.cert))
  await until(async () => (await metric(app, reloads('server', 'loaded'))) === 2, 'a good pair')
  t.equal(await nameNow(t, app), before.name)
})

t.test('a mounted folder whose link is swapped is noticed, and the expiry follows', async (t) => {
  const dir = folder(t)
  const fill = (name: string, { cert, key }: Certificate): void => {
    mkdirSync(join(dir, name))
    cpSync(cert, join(dir, name, 'tls.crt'))
    cpSync(key, join(dir, name, 'tls.key'))
  }
  fill('..1', makeCertificate(t, 'DNS:a.example', 2))
  symlinkSync('..1', join(dir, '..data'))
  for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(dir, name))
  const tls = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') }
  const app = await buildTestApp(t, 'http://127.0.0.1:9', { server: { tls } })
  const before = await nameNow(t, app)
  const expiry = 'layby_certificate_expiry_timestamp_seconds{certificate="server"}'
  const expiresAt = await metric(app, expiry)
  fill('..2', makeCertificate(t, 'DNS:b.example', 90))
  symlinkSync('..2', join(dir, '..new'))
  renameSync(join(dir, '..new'), join(dir, '..data'))
  await until(async () => (await metric(app, reloads('server', 'loaded'))) === 1, 'the reload')
  t.not(await nameNow(t, app), before)
  t.ok((await metric(app, expiry)) - expiresAt > 80 * 86_400)
})

t.test('authorities of the API that are replaced decide for what is sent next', async (t) => {
  const ca = join(folder(t), 'ca.pem')
  const [own, other] = [makeCertificate(t, 'IP:127.0.0.1'), makeCertificate(t, 'IP:127.0.0.1')]
  const files = { cert: readFileSync(own.cert), key: readFileSync(own.key) }
  const api = createServer(files, (_req, res) => void res.end('{}'))
  api.on('tlsClientError', () => {})
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  t.teardown(() => {
    api.closeAllConnections()
    api.close()
  })
  cpSync(other.cert, ca)
  const url = `https://127.0.0.1:${(api.address() as AddressInfo).port}`
  const app = await buildTestApp(t, url, { upstream: { ca } })
  t.equal((await app.get('/things')).status, 502)
  replace(ca, readFileSync(own.cert))
  await until(async () => (await metric(app, reloads('upstream-ca', 'loaded'))) === 1, 'the first')
  t.equal((await app.get('/things')).status, 200)
  replace(ca, 'no certificate')
  await until(async () => (await metric(app, reloads('upstream-ca', 'rejected'))) === 1, 'a fault')
  t.equal((await app.get('/things')).status, 200)
  replace(ca, readFileSync(other.cert))
  await until(async () => (await metric(app, reloads('upstream-ca', 'loaded'))) === 2, 'the second')
  t.equal((await app.get('/things')).status, 502, 'also where there was a connection')
})

t.test('what is not configured has no series', async (t) => {
  const app = await buildTestApp(t, 'http://127.0.0.1:9')
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  t.notOk(/^layby_tls_reloads_total\{/m.test(text))
})

/** The API's certificate is always verified (reliability S14): @fastify/reply-from's own default is not to. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ConfigError } from '../../src/config/config-error.ts'
import { buildTestApp } from '../helpers/app.ts'

const file = (name: string): string =>
  fileURLToPath(new URL(`../../../test/helpers/tls/${name}`, import.meta.url))

/** An API over TLS that counts what arrives. */
async function start(
  t: Test,
  certificate: string,
): Promise<{ url: string; received: () => number }> {
  let received = 0
  const cert = readFileSync(file(certificate))
  const server = createServer({ key: readFileSync(file('server.key')), cert }, (_req, res) => {
    received++
    res.writeHead(200, { 'content-type': 'application/json', 'x-api-version': '2023/04/19' })
    res.end('{"parent_id": null}')
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
  }
}

const REQUESTS = [
  ['GET', '/customers/1/'],
  ['GET', '/jobs'],
  ['PATCH', '/customers/1'],
] as const

t.test('an API that a configured authority vouches for is spoken to', async (t) => {
  const api = await start(t, 'server.pem')
  const app = await buildTestApp(t, api.url, { upstream: { ca: file('ca.pem') } })
  for (const [method, path] of REQUESTS) t.equal((await app.get(path, { method })).status, 200)
  t.equal(api.received(), 3)
})

for (const [name, certificate, ca] of [
  ['nobody known vouches for', 'server.pem', null],
  ['another name stands on the certificate of', 'elsewhere.pem', 'ca.pem'],
  ['the certificate has run out of', 'expired.pem', 'ca.pem'],
] as const) {
  t.test(`an API that ${name} gets not one byte of a request`, async (t) => {
    const api = await start(t, certificate)
    const app = await buildTestApp(t, api.url, { upstream: { ca: ca === null ? null : file(ca) } })
    for (const [method, path] of REQUESTS) {
      const reply = await app.get(path, { method })
      t.equal(reply.status, 502)
      t.notMatch(reply.body, /127\.0\.0\.1|certificate|self/i)
    }
    t.equal(api.received(), 0)
  })
}

t.test('authorities that can not be read are a bad configuration', async (t) => {
  const build = buildTestApp(t, 'https://127.0.0.1:9', { upstream: { ca: file('none.pem') } })
  await t.rejects(build, new ConfigError('upstream.ca', "can't be read (ENOENT)"))
})

/** Nothing of OpenTelemetry is loaded, unless spans are exported. In a file of its own: a process of its own. */
import { createRequire } from 'node:module'
import t from 'tap'
import { buildTestApp } from '../helpers/app.ts'
import { startCollector } from '../helpers/collector.ts'
import { startUpstream } from '../helpers/upstream.ts'

/** Its packages are CommonJS: what is loaded is in the cache of `require`, whoever loaded it. */
const loaded = (): string[] =>
  Object.keys(createRequire(import.meta.url).cache).filter((file) =>
    file.includes('/@opentelemetry/'),
  )

t.test('without export the packages are not loaded, and with it they are', async (t) => {
  // prom-client brings the API, which is types and no more than a few objects.
  const inBefore = loaded()
  const upstream = await startUpstream(t)
  const app = await buildTestApp(t, upstream.url)
  for (const path of ['/customers/1/', '/customers/1/', '/things']) await app.get(path)
  t.strictSame(loaded(), inBefore)
  t.notOk(inBefore.some((file) => /sdk|exporter/.test(file)))
  const { url } = await startCollector(t)
  await buildTestApp(t, upstream.url, { tracing: { otlpUrl: url } })
  t.ok(loaded().some((file) => file.includes('/sdk-trace-base/')))
  t.ok(loaded().some((file) => file.includes('/exporter-trace-otlp-http/')))
})

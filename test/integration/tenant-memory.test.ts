/** One tenant's reads do not take the memory of others, and who was never accepted takes none. */
import t from 'tap'
import { buildTestApp, type TestApp } from '../helpers/app.ts'
import { untracked } from '../helpers/untracked.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const ONE_MIB = { cache: { memory: { maxBytes: 1_048_576 } } }

async function figuresOf(app: TestApp, name: string): Promise<number[]> {
  const text = await (await fetch(`${app.opsUrl}/metrics`)).text()
  return [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].map(([, n]) =>
    Number(n),
  )
}

function read(app: TestApp, tenant: string, id: number) {
  return app.get(`/customers/${id}`, { headers: { 'x-tenant-id': tenant } })
}

async function hits(app: TestApp, tenant: string, ids: number): Promise<number> {
  let count = 0
  for (let id = 1; id <= ids; id++) {
    const { headers } = await read(app, tenant, id)
    count += Number(String(headers['cache-status']).includes('; hit'))
  }
  return count
}

t.test('20 customers of a tenant stay in a tier of 1 MiB while another reads 600', async (t) => {
  await untracked(t)
  const upstream = await startUpstream(t, (received, res) => {
    sendJson(res, received, { parent_id: null, name: 'x'.repeat(2_000) })
  })
  const app = await buildTestApp(t, upstream.url, ONE_MIB)
  for (let id = 1; id <= 20; id++) await read(app, '7', id)
  for (let id = 1; id <= 600; id++) await read(app, '8', id)
  t.equal(await hits(app, '7', 20), 20)
  t.notMatch((await read(app, '8', 1)).headers['cache-status'], 'hit', 'there was no room for all')
  const ranked = await figuresOf(app, 'layby_tenant_memory_bytes')
  t.equal(ranked.length, 2)
  t.ok((ranked[0] as number) > (ranked[1] as number))
  t.strictSame([ranked.reduce((sum, n) => sum + n)], await figuresOf(app, 'layby_memory_bytes'))
})

/** What lies in Redis, and what passes it, tells nobody anything (reliability S1, S5, S12). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { TestApp } from '../helpers/app.ts'
import { gauge, startInstances, until } from '../helpers/instances.ts'
import { startRedis } from '../helpers/redis-servers.ts'
import { bearer, startSample, tokenOf } from '../helpers/sample.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

/** These tests are about what is shared, not about a machine that is busy. */
const PATIENT = { commandTimeoutMs: 2_000 }

const VERSION = '2023/04/19'

t.test('neither a dump nor all commands of a run hold a token, a name or an address', async (t) => {
  const redis = await startRedis(t)
  const upstream = await startSample(t, { customersPerTenant: 30 })
  for (const name of ['one', 'two']) {
    upstream.state.addToken(tokenOf(name, { 7: 'Dispatcher', 8: 'Admin' }))
  }
  const [a, b] = (await startInstances(t, 2, upstream.url, { url: redis.url, ...PATIENT })) as [
    TestApp,
    TestApp,
  ]
  const monitor = spawn('redis-cli', ['-p', String(redis.port), 'MONITOR'])
  const seen: Buffer[] = []
  monitor.stdout.on('data', (chunk: Buffer) => seen.push(chunk))
  await once(monitor.stdout, 'data')
  const personal = new Set<string>()
  for (let i = 1; i <= 30; i++) {
    for (const [instance, name] of [
      [a, 'one'],
      [b, 'two'],
      [b, 'one'],
    ] as const) {
      const headers = { authorization: bearer(name), 'x-tenant-id': '7', 'x-api-version': VERSION }
      const reply = await instance.get(`/customers/${i}`, { headers })
      t.equal(reply.status, 200)
      collect(JSON.parse(reply.body), personal)
    }
  }
  const renamed = await a.get('/customers/1', {
    method: 'PATCH',
    headers: {
      authorization: bearer('one'),
      'x-tenant-id': '7',
      'x-api-version': VERSION,
      'content-type': 'application/json',
    },
    body: '{"name": "Renamed Hauling Ltd"}',
  })
  t.equal(renamed.status, 200)
  personal.add('Renamed Hauling Ltd')
  const file = join(redis.directory, 'dump.rdb')
  await redis.cli('--rdb', file)
  monitor.kill()
  const told = { dump: readFileSync(file), commands: Buffer.concat(seen) }
  t.ok(Number(await redis.cli('DBSIZE')) > 100, 'much was stored')
  t.ok(told.commands.length > 50_000, 'much was seen')
  t.ok(personal.size > 50, `${personal.size} texts are looked for`)
  for (const [where, bytes] of Object.entries(told)) {
    // The last is a part of every key of a record, as it is in memory.
    for (const text of [...personal, 'one.token', 'two.token', 'Bearer', '8:customer']) {
      if (bytes.includes(text)) t.fail(`"${text}" is in the ${where}`)
    }
  }
})

/** Names and addresses, wherever they are in a body. */
function collect(value: unknown, into: Set<string>, member = ''): void {
  if (typeof value === 'string') {
    if (/name|email|phone|street|address/.test(member) && value.length >= 6) into.add(value)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) collect(inner, into, name)
  }
}

t.test(
  'a value that was swapped, changed, cut, lengthened or is no string is a miss, and removed',
  async (t) => {
    const redis = await startRedis(t)
    const upstream = await startUpstream(t, (received, res) => {
      const id = /([0-9]+)/.exec(received.url)?.[1]
      sendJson(
        res,
        received,
        `{"id": ${id}, "token": "${received.headers.authorization}", "parent_id": null}`,
      )
    })
    const values = { cache: { memory: { maxBytes: 2_000 }, maxBodyBytes: 1_000 } }
    const [a, b] = await startInstances(t, 2, upstream.url, { url: redis.url, ...PATIENT }, values)
    const ask = (instance: typeof a, id: number) =>
      instance?.get(`/customers/${id}`, { headers: { authorization: `Bearer own-${id % 3}.x` } })
    for (let i = 1; i <= 60; i++) await ask(a, i)
    const records = async (): Promise<string[]> =>
      (await redis.cli('KEYS', '*')).split('\n').filter((key) => /:[gr]:/.test(key))
    await until(async () => (await records()).length >= 120)
    let i = 0
    const keys = await records()
    for (const key of keys) {
      const other = keys[(i + 7) % keys.length] as string
      switch (i++ % 5) {
        case 0:
          await redis.cli('COPY', other, key, 'REPLACE')
          break
        case 1:
          await redis.cli('SETRANGE', key, '40', 'x')
          break
        case 2:
          await redis.cli('APPEND', key, 'y')
          break
        case 3:
          await redis.cli('DEL', key)
          await redis.cli('LPUSH', key, 'a list')
          break
        default:
          await redis.cli('SETRANGE', key, '2000000', 'far too long')
      }
    }
    for (let i = 1; i <= 60; i++) {
      const reply = await ask(b, i)
      t.equal(reply?.status, 200)
      t.equal(reply?.body, `{"id": ${i}, "token": "Bearer own-${i % 3}.x", "parent_id": null}`)
    }
    const mismatches =
      (await gauge(b!, 'layby_seal_mismatch_total')) +
      (await gauge(b!, 'layby_envelope_mismatch_total'))
    t.ok(mismatches >= 40, `${mismatches} mismatches were counted`)
  },
)

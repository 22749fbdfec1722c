/** A token that the API has revoked reads on for `cache.credentialTtlMs` at most, however often it is used (reliability S3). */
import t from 'tap'
import { seededRandom } from '../../demo/data.ts'
import { buildTestApp } from '../helpers/app.ts'
import { sendJson, startUpstream } from '../helpers/upstream.ts'

const REPEATS = 50
const CREDENTIAL_TTL_MS = 30_000
const STEP_MS = 100
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

t.test(`${REPEATS} tokens in use are revoked, and none is prolonged by its use`, async (t) => {
  t.comment(`seed ${SEED}`)
  const random = seededRandom(`revocation/${SEED}`)
  const revoked = new Set<string>()
  const upstream = await startUpstream(t, (received, res) => {
    const isRevoked = revoked.has(String(received.headers.authorization))
    sendJson(res, received, '{"id": 1, "parent_id": null}', {}, isRevoked ? 401 : 200)
  })
  const cache = { credentialTtlMs: CREDENTIAL_TTL_MS, ttlMs: 600_000, staleIfErrorMs: 600_000 }
  const app = await buildTestApp(t, upstream.url, { cache })
  let longest = 0
  let servedAfterwards = 0
  for (let n = 0; n < REPEATS; n++) {
    const authorization = `Bearer token-${n}.aaaa`
    const read = async (): Promise<number> => {
      // Others who see the same keep the record in use.
      await app.get('/customers/1', { headers: { authorization: 'Bearer other.aaaa' } })
      return (await app.get('/customers/1', { headers: { authorization } })).status
    }
    t.equal(await read(), 200)
    app.clock.advance(Math.floor(random() * CREDENTIAL_TTL_MS))
    t.equal(await read(), 200)
    revoked.add(authorization)
    const revokedAt = app.clock.monotonic()
    let isServed = true
    while (app.clock.monotonic() - revokedAt < CREDENTIAL_TTL_MS + 1_000) {
      app.clock.advance(STEP_MS)
      const status = await read()
      if (status === 200 && !isServed) servedAfterwards++
      if (status === 200) longest = Math.max(longest, app.clock.monotonic() - revokedAt)
      else isServed = false
      if (!isServed && random() < 0.05) break
    }
    if (isServed) servedAfterwards++
  }
  t.ok(longest <= CREDENTIAL_TTL_MS, `the longest was served for ${longest} ms`)
  t.ok(longest > CREDENTIAL_TTL_MS / 2, 'the cache was put to the test')
  t.equal(servedAfterwards, 0, 'once refused, refused for good')
  t.comment(`S3: the last of ${REPEATS} revoked tokens was served for ${longest} ms`)
})

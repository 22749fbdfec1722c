import t from 'tap'
import { grantKey, type Key, viewKey } from '../../../src/cache/key.ts'
import type { Grant } from '../../../src/cache/records.ts'
import { Standings } from '../../../src/cache/standing.ts'
import { createMemoryStore } from '../../../src/stores/memory-store.ts'
import { createProcessState } from '../../../src/stores/process-state.ts'
import type { News, Siblings } from '../../../src/stores/siblings.ts'
import { FakeClock } from '../../helpers/clock.ts'

/** Two processes of one instance, whose news arrives at once. */
function twoProcesses() {
  const clock = new FakeClock()
  const hearers: ((news: News) => void)[] = []
  return [0, 1].map((own) => {
    const memory = createMemoryStore({ maxBytes: 100_000, clock })
    const siblings: Siblings = {
      isInTouch: () => true,
      tell: async (news) => hearers[1 - own]?.(news),
      onNews: (hear) => {
        hearers[own] = hear
      },
    }
    const ignore = (): void => {}
    const options = {
      siblings,
      clock,
      memory,
      maxFences: 100,
      onPinChange: ignore,
      onHeard: ignore,
    }
    const state = createProcessState(options)
    const standings = new Standings({
      memory: state.memory,
      fences: state.fences,
      credentialTtlMs: 1_000,
      tier: null,
      onRefused: state.refused,
      reporter: { invalidated: ignore },
    })
    return { memory, standings }
  }) as [Process, Process]
}

interface Process {
  readonly memory: ReturnType<typeof createMemoryStore>
  readonly standings: Standings
}

const VIEW = { tenant: '7', route: 'customer', params: ['1'] }
const keyOf = (version: string | null, partition: string): Key =>
  grantKey(viewKey({ ...VIEW, version }), partition)

for (const status of [403, 404]) {
  t.test(
    `a ${status} that one process is given ends the grants of another, and leaves nothing else`,
    async (t) => {
      const [one, other] = twoProcesses()
      const grant: Grant = {
        kind: 'grant',
        holder: 'h',
        digest: 'D',
        version: '2019/02/08',
        witnessedAt: 0,
        expiresAt: Infinity,
        stamp: [],
      }
      for (const version of [null, '2019/02/08']) other.memory.set(keyOf(version, 'p'), grant, '7')
      other.memory.set(keyOf(null, 'q'), grant, '7')
      const credential = { partition: 'p', holder: 'h', former: [] }
      // This one has never seen the credential, and was asked in a version of which the other has no grant.
      const resource = { route: VIEW.route, params: VIEW.params, version: '2023/04/19' }
      const says = {
        tenant: '7',
        credential,
        status,
        sentAt: 1,
        stamp: [],
        vouches: true,
        resource,
      }
      await one.standings.learn(says)
      const kinds = [
        keyOf(null, 'p'),
        keyOf('2019/02/08', 'p'),
        keyOf('2023/04/19', 'p'),
        keyOf(null, 'q'),
      ]
      t.strictSame(
        kinds.map((key) => other.memory.peek(key)?.kind),
        ['withdrawal', 'withdrawal', undefined, 'grant'],
      )
      t.equal(one.memory.entries, 0)
      t.equal(other.memory.entries, 3)
    },
  )
}

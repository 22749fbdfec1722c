/** What goes wrong, by the rows of reliability section 4. Each fault begins, lasts for a while, and is healed. */
import { mkdirSync, rmSync } from 'node:fs'
import type { RedisServer } from '../helpers/redis-servers.ts'
import type { Member } from './members.ts'

export interface Stage {
  readonly members: readonly Member[]
  /** The one in use, and the one that stands by as its replica. */
  primary: RedisServer
  standby: RedisServer
  readonly random: () => number
  /** The share of reads whose client goes away. */
  leaving: number
  /** The instance that Redis is out of reach for, and nobody else; null: none. */
  cutOff: number | null
}

export interface Fault {
  readonly name: string
  begin(stage: Stage): Promise<void>
  heal(stage: Stage): Promise<void>
}

const nothing = async (): Promise<void> => {}

function pick(stage: Stage): number {
  return Math.floor(stage.random() * stage.members.length)
}

let victim = 0
let timer: NodeJS.Timeout | undefined

async function follow({ primary, standby }: Stage): Promise<void> {
  await standby.cli('REPLICAOF', '127.0.0.1', String(primary.port))
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'F02 Redis is killed and restarts empty',
    begin: ({ primary }) => primary.kill(),
    heal: async (stage) => {
      await stage.primary.start()
      await follow(stage)
    },
  },
  {
    name: 'F03 Redis is stopped',
    begin: async ({ primary }) => primary.pause(),
    heal: async ({ primary }) => primary.resume(),
  },
  {
    name: 'F04 Redis is slow',
    begin: async ({ members }) => {
      for (const { gate } of members) gate.delay(200)
    },
    heal: async ({ members }) => {
      for (const { gate } of members) gate.delay(0)
    },
  },
  {
    name: 'F05 Redis takes no writes',
    begin: async ({ primary, standby }) => {
      await standby.cli('REPLICAOF', 'NO', 'ONE')
      await primary.cli('CONFIG', 'SET', 'replica-serve-stale-data', 'yes')
      await primary.cli('REPLICAOF', '127.0.0.1', '1')
    },
    heal: async (stage) => {
      await stage.primary.cli('REPLICAOF', 'NO', 'ONE')
      await follow(stage)
    },
  },
  {
    name: 'F05 Redis takes no writes, for want of replicas',
    begin: async ({ primary }) =>
      void (await primary.cli('CONFIG', 'SET', 'min-replicas-to-write', '2')),
    heal: async ({ primary }) =>
      void (await primary.cli('CONFIG', 'SET', 'min-replicas-to-write', '0')),
  },
  {
    name: 'F05 Redis takes no writes, since it could not save its data',
    begin: async ({ primary }) => {
      await primary.cli('CONFIG', 'SET', 'save', '3600 1000000')
      rmSync(primary.directory, { recursive: true })
      await primary.cli('BGSAVE')
    },
    heal: async ({ primary }) => {
      mkdirSync(primary.directory)
      await primary.cli('CONFIG', 'SET', 'save', '')
    },
  },
  {
    name: 'F06 Redis is out of memory',
    begin: async ({ primary }) => void (await primary.cli('CONFIG', 'SET', 'maxmemory', '1mb')),
    heal: async ({ primary }) => void (await primary.cli('CONFIG', 'SET', 'maxmemory', '0')),
  },
  {
    name: 'F11 subscribers are disconnected',
    begin: async ({ primary }) => {
      const kill = (): void => void primary.cli('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => {})
      kill()
      timer = setInterval(kill, 700)
    },
    heal: async () => clearInterval(timer),
  },
  {
    name: 'F12 subscribers hear nothing',
    begin: async (stage) => {
      victim = pick(stage)
      stage.members[victim]?.gate.deafen(true)
    },
    heal: async ({ members }) => members[victim]?.gate.deafen(false),
  },
  {
    name: 'F14 failover to a replica that misses the last two seconds',
    begin: async ({ standby }) => void (await standby.cli('REPLICAOF', 'NO', 'ONE')),
    heal: async (stage) => {
      const { primary, standby, members } = stage
      await primary.kill()
      stage.primary = standby
      stage.standby = primary
      for (const { gate } of members) {
        gate.retarget(standby.port)
        gate.reset()
      }
      await primary.start()
      await follow(stage)
    },
  },
  {
    name: 'F15 all keys are flushed',
    begin: async ({ primary }) => void (await primary.cli('FLUSHALL')),
    heal: nothing,
  },
  {
    name: 'F16 keys are evicted, fences too',
    begin: async ({ primary }) => {
      await primary.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
      await primary.cli('CONFIG', 'SET', 'maxmemory', '2mb')
    },
    heal: async ({ primary }) => {
      await primary.cli('CONFIG', 'SET', 'maxmemory', '0')
      await primary.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    },
  },
  {
    name: 'F18 one instance is cut off',
    begin: async (stage) => {
      stage.cutOff = pick(stage)
      stage.members[stage.cutOff]?.gate.cut(true)
    },
    heal: async (stage) => {
      if (stage.cutOff !== null) stage.members[stage.cutOff]?.gate.cut(false)
      stage.cutOff = null
    },
  },
  {
    name: 'F37 an instance is killed',
    begin: async (stage) => {
      victim = pick(stage)
      await stage.members[victim]?.kill()
    },
    heal: async ({ members }) => members[victim]?.start(),
  },
  {
    name: 'F37 an instance is replaced while Redis is out of reach for all',
    begin: async (stage) => {
      victim = pick(stage)
      for (const { gate } of stage.members) gate.cut(true)
      // It has written meanwhile, and Redis knows of none of it.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      await stage.members[victim]?.kill()
    },
    heal: async ({ members }) => {
      await members[victim]?.start()
      for (const { gate } of members) gate.cut(false)
    },
  },
  {
    name: 'F38 an instance stands still for two seconds',
    begin: async (stage) => {
      victim = pick(stage)
      stage.members[victim]?.pause()
    },
    heal: async ({ members }) => members[victim]?.resume(),
  },
  {
    name: 'F40 clients go away',
    begin: async (stage) => {
      stage.leaving = 0.3
    },
    heal: async (stage) => {
      stage.leaving = 0
    },
  },
]

/** Fences as commands to Redis: every script runs once for each slot that the fences lie in. */
import type { FenceStamp } from '../cache/fence.ts'
import type { Key } from '../cache/key.ts'
import { ABANDON, KEEP, OPEN } from './fence-scripts.ts'
import { newValue, PROVISIONAL_FENCE_MS } from './fence-value.ts'
import type { RedisCommands, Reply, Script } from './redis-commands.ts'
import type { RedisKeys } from './redis-keys.ts'

type Argument = string | number

/** `refused`: Redis has answered, and not done it. `lost`: it may yet do it. */
export type Taken = 'yes' | 'refused' | 'lost'

export class FenceCommands {
  readonly #commands: RedisCommands
  readonly #keys: RedisKeys

  constructor({ commands, keys }: { readonly commands: RedisCommands; readonly keys: RedisKeys }) {
    this.#commands = commands
    this.#keys = keys
  }

  /** Runs a script that gets the same arguments whatever the slot. */
  async run(script: Script, names: readonly Key[], args: readonly Argument[]): Promise<Taken> {
    const replies = (await this.#each(script, names, () => args)).map(({ reply }) => reply)
    if (replies.every(({ ok }) => ok)) return 'yes'
    return replies.every((reply) => reply.ok || reply.refused) ? 'refused' : 'lost'
  }

  /** Values as readers know them, made where there are none; what could not be told is missing. */
  async open(names: readonly Key[], lifetimeMs: number): Promise<Map<Key, string>> {
    const values = new Map<Key, string>()
    for (const { group, reply } of await this.#each(OPEN, names, () => [newValue(), lifetimeMs])) {
      if (!reply.ok) continue
      for (const [i, name] of group.entries()) {
        const value = (reply.value as (Buffer | null)[])[i]
        if (value) values.set(name, value.toString())
      }
    }
    return values
  }

  /** Fences that still have these values are no longer provisional. */
  async keep(stamp: FenceStamp, lifetimeMs: number): Promise<void> {
    await this.#onValues(KEEP, stamp, lifetimeMs)
  }

  /** @returns those that were provisional, still had these values, and are gone */
  async abandon(stamp: FenceStamp): Promise<Key[]> {
    const done = await this.#onValues(ABANDON, stamp, PROVISIONAL_FENCE_MS)
    return done.flatMap(({ group, reply }) => {
      const gone = reply.ok && Array.isArray(reply.value) ? reply.value : []
      return group.filter((_, i) => gone[i] === 1)
    })
  }

  #onValues(script: Script, stamp: FenceStamp, lifetimeMs: number) {
    const values = new Map(stamp)
    return this.#each(script, [...values.keys()], (group) => [
      lifetimeMs,
      ...group.map((name) => values.get(name) as string),
    ])
  }

  #each(
    script: Script,
    names: readonly Key[],
    argsOf: (group: readonly Key[]) => readonly Argument[],
  ): Promise<{ readonly group: readonly Key[]; readonly reply: Reply }[]> {
    return Promise.all(
      this.#bySlot(names).map(async (group) => {
        const places = group.map((name) => this.#keys.fence(name))
        return { group, reply: await this.#commands.run(script, places, argsOf(group)) }
      }),
    )
  }

  #bySlot(names: readonly Key[]): Key[][] {
    const groups = new Map<string, Key[]>()
    for (const name of names) {
      const slot = this.#keys.slotOf(name)
      const group = groups.get(slot)
      if (group === undefined) groups.set(slot, [name])
      else group.push(name)
    }
    return [...groups.values()]
  }
}

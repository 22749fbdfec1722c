/** Reads something from Redis together with the fences that guard it, which are learnt on the way. */
import type { Key } from '../cache/key.ts'
import type { Clock } from '../lib/clock.ts'
import type { FenceTable } from './fence-table.ts'
import type { RedisCommands, Script } from './redis-commands.ts'

export interface FencedReadOptions {
  readonly commands: RedisCommands
  readonly table: FenceTable
  readonly clock: Clock
}

export interface FencedScript {
  readonly script: Script
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  /** Those of the fences that the script gives, and after how many other values. */
  readonly fences: readonly Key[]
  readonly after: number
}

export interface FencedReply {
  /** What the script gives; null: Redis can't be asked. */
  readonly values: readonly unknown[] | null
  /** Monotonic milliseconds. */
  readonly askedAt: number
}

/** What came too late to be believed, or was heard to change meanwhile, is asked for once more. */
export async function readFenced(
  { commands, table, clock }: FencedReadOptions,
  { script, keys, args, fences, after }: FencedScript,
): Promise<FencedReply> {
  for (let isLast = false; ; isLast = true) {
    const askedAt = clock.monotonic()
    const reading = table.beginReading(fences)
    const reply = await commands.run(script, keys, args)
    const values: readonly unknown[] = reply.ok && Array.isArray(reply.value) ? reply.value : []
    const found = fences.map((_, i) => textOf(values[after + i]))
    const isSound = table.endReading(reading, found)
    if (isSound || isLast || !reply.ok || found.includes(null)) {
      return { values: reply.ok ? values : null, askedAt }
    }
  }
}

function textOf(value: unknown): string | null {
  return Buffer.isBuffer(value) ? value.toString() : null
}

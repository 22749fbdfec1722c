/** Keys that are set and change nothing, in a configuration that has passed every rule: somebody believes that they do. */
import { type IneffectiveKey, ineffectiveRedisKeys } from './redis-rules.ts'
import type { Config } from './schema.ts'

export function ineffectiveKeys(config: Config): IneffectiveKey[] {
  const { server, upstream } = config
  const isPlain = new URL(upstream.url).protocol === 'http:'
  const names = upstream.forwarded !== 'off'
  const unused: readonly (readonly [key: string, isUnused: boolean, reason: string])[] = [
    ['upstream.ca', upstream.ca !== null && isPlain, 'upstream.url is no https URL'],
    ['server.trustProxy', server.trustProxy.length > 0 && !names, 'upstream.forwarded is off'],
  ]
  const ofOthers = unused.flatMap(([key, isUnused, reason]) => (isUnused ? [{ key, reason }] : []))
  return [...ofOthers, ...ineffectiveRedisKeys(config)]
}

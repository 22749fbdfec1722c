/**
 * The Lua scripts over the roster of instances, one hash:
 *
 * ```
 *   epoch         e.<epoch>
 *   <instance>    i.<instance>.<count>.<1 with changes pending, or 0>
 * ```
 */
import type { Script } from './redis-commands.ts'

/** Gives the values and the epoch; a roster of an unlikely size, or with unlikely values, is not ours, and begins anew. */
const LIST = `
local function list(key)
  local values = redis.pcall('HVALS', key)
  local isSane = values.err == nil and #values <= 2000
  local epoch = false
  for _, value in ipairs(values) do
    if #value > 100 then isSane = false end
    if string.sub(value, 1, 2) == 'e.' then epoch = value end
  end
  if isSane then return values, epoch end
  redis.call('DEL', key)
  return {}, false
end`

/**
 * Writes an instance's entry. KEYS: the roster. ARGV: instance, entry, the epoch if there is none, lifetime. Gives what
 * the roster held before, and the epoch.
 */
export const ENROL: Script = {
  name: 'laybyEnrol',
  lua: `${LIST}
local values, epoch = list(KEYS[1])
if not epoch then
  epoch = 'e.' .. ARGV[3]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
  values[#values + 1] = epoch
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return values`,
}

/**
 * Removes entries that are still as they were seen, and replaces the epoch if it is still the one that was seen. KEYS: the
 * roster. ARGV: the epoch that was seen, or nothing; its replacement; then instances, each with its entry, or nothing for
 * any. Gives the epoch.
 */
export const AMEND: Script = {
  name: 'laybyAmend',
  lua: `${LIST}
local values, epoch = list(KEYS[1])
local present = {}
for _, value in ipairs(values) do present[value] = true end
for i = 3, #ARGV, 2 do
  if ARGV[i + 1] == '' or present[ARGV[i + 1]] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end
if ARGV[1] ~= '' and (not epoch or epoch == 'e.' .. ARGV[1]) then
  epoch = 'e.' .. ARGV[2]
  redis.call('HSET', KEYS[1], 'epoch', epoch)
end
return epoch or ''`,
}

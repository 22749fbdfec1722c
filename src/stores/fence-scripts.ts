/**
 * The Lua scripts of fences in Redis: what must happen there without anything in between. All keys of a call are
 * in one slot.
 *
 * ```
 *   fence = value [ "~" mark ] [ "!" write* ]        write = id ":" until ";"
 * ```
 *
 * `value` and `mark` are random. A write under way stands beside the value, not in its place, so that a rejected
 * one leaves no trace; `until` is when it is over, whatever became of it, in milliseconds of the server's clock.
 * One that is still there by then was never settled, and whoever reads the fence next changes its value. Where
 * there are too many, they become one, `*`, which nobody takes out. All other times are relative milliseconds.
 */
import type { Script } from './redis-commands.ts'

/** Longest text of a fence that is believed to be ours. */
export const MAX_FENCE_BYTES = 8_192
/** Longest list of writes under way in a fence. */
const MAX_WRITES_BYTES = 4_096

/**
 * `known(key)`: the value of a fence, its writes, and whether one of them ran out unsettled; nil: there is none.
 * What is no fence is removed. `put(key, value, writes, lifetime)`: 0 keeps its lifetime.
 */
const FENCE = `
local at = redis.call('TIME')
local now = tonumber(at[1]) * 1000 + math.floor(tonumber(at[2]) / 1000)
local function known(key)
  local length = redis.pcall('STRLEN', key)
  if length == 0 then return nil end
  if type(length) ~= 'number' or length > ${MAX_FENCE_BYTES} then
    redis.pcall('DEL', key)
    return nil
  end
  local text = redis.call('GET', key)
  local bang = string.find(text, '!', 1, true)
  if not bang then return text, '', false end
  local writes, expired = '', false
  for id, till in string.gmatch(string.sub(text, bang + 1), '([^:;]+):(%d+);') do
    if tonumber(till) > now then writes = writes .. id .. ':' .. till .. ';' else expired = true end
  end
  return string.sub(text, 1, bang - 1), writes, expired
end
local function without(writes, out)
  local rest = ''
  for id, till in string.gmatch(writes, '([^:;]+):(%d+);') do
    if id ~= out then rest = rest .. id .. ':' .. till .. ';' end
  end
  return rest
end
local function put(key, value, writes, lifetime)
  if writes ~= '' then value = value .. '!' .. writes end
  if lifetime == 0 then redis.call('SET', key, value, 'KEEPTTL')
  else redis.call('SET', key, value, 'PX', lifetime) end
end
local function with(writes, id, lifetime)
  local till = now + tonumber(lifetime)
  if #writes >= ${MAX_WRITES_BYTES} then
    for _, each in string.gmatch(writes, '([^:;]+):(%d+);') do till = math.max(till, tonumber(each)) end
    return '*:' .. string.format('%d', till) .. ';'
  end
  return without(writes, id) .. id .. ':' .. string.format('%d', till) .. ';'
end`

/**
 * `open(key, value, lifetime)`: the fence as readers know it, `!` before it while a write is under way; false: it
 * can't be told. One that is missing counts as changed: it is made anew, with that value. One that is used lives
 * at least half of that lifetime longer. For scripts that read something else beside.
 */
export const OPEN_FENCE = `${FENCE}
local function open(key, fresh, lifetime)
  local value, writes, expired = known(key)
  if value == nil then
    local set = redis.pcall('SET', key, fresh, 'NX', 'PX', lifetime)
    if type(set) == 'table' and set.ok then return fresh end
    return false
  end
  if expired then
    value = fresh
    if not pcall(put, key, value, writes, 0) then return false end
  end
  if redis.call('PTTL', key) < tonumber(lifetime) / 2 then redis.pcall('PEXPIRE', key, lifetime) end
  if writes ~= '' then return '!' .. value end
  return value
end`

/** KEYS: fences. ARGV: new value, lifetime. Gives their values. */
export const OPEN: Script = {
  name: 'laybyOpen',
  lua: `${OPEN_FENCE}
local values = {}
for i, key in ipairs(KEYS) do values[i] = open(key, ARGV[1] .. i, ARGV[2]) end
return values`,
}

/** A write begins. KEYS: fences. ARGV: id, new value, how long it may take. What is made here lives no longer. */
export const BEGIN: Script = {
  name: 'laybyBegin',
  lua: `${FENCE}
for i, key in ipairs(KEYS) do
  local value, writes, expired = known(key)
  local left = value == nil and 0 or redis.call('PTTL', key)
  if value == nil or expired then value = ARGV[2] .. i end
  put(key, value, with(writes or '', ARGV[1], ARGV[3]), left < tonumber(ARGV[3]) and ARGV[3] or 0)
end
return 1`,
}

/**
 * A write is over, and may have changed something. KEYS: fences. ARGV: id, new value, the lifetime of a provisional
 * fence, which goes, as in RESTORE, unless it is held; hold: how much longer the write stays pending.
 */
export const SETTLE: Script = {
  name: 'laybySettle',
  lua: `${FENCE}
local hold = tonumber(ARGV[4])
for i, key in ipairs(KEYS) do
  local value, writes = known(key)
  writes = without(writes or '', ARGV[1])
  if hold > 0 then writes = with(writes, ARGV[1], hold) end
  -- A fence that is missing counts as changed, and so does one that was made for the hold, when it is over.
  local left = value == nil and 0 or redis.call('PTTL', key)
  if value ~= nil and writes == '' and left <= tonumber(ARGV[3]) then redis.call('DEL', key)
  elseif value ~= nil or hold > 0 then put(key, ARGV[2] .. i, writes, left < hold and hold or 0) end
end
return 1`,
}

/**
 * A write was rejected: as if it had never been. KEYS: fences. ARGV: id, new value, the lifetime of a provisional
 * fence: one that lives no longer has nothing stored under it, and goes.
 */
export const RESTORE: Script = {
  name: 'laybyRestore',
  lua: `${FENCE}
for i, key in ipairs(KEYS) do
  local value, writes, expired = known(key)
  if value ~= nil then
    writes = without(writes, ARGV[1])
    if writes == '' and redis.call('PTTL', key) <= tonumber(ARGV[3]) then redis.call('DEL', key)
    else put(key, expired and ARGV[2] .. i or value, writes, 0) end
  end
end
return 1`,
}

/** KEYS: fences. ARGV: new value, the lifetime of a provisional fence, which goes, as in RESTORE. */
export const CHANGE: Script = {
  name: 'laybyChange',
  lua: `${FENCE}
for i, key in ipairs(KEYS) do
  local value, writes = known(key)
  if value ~= nil then
    if writes == '' and redis.call('PTTL', key) <= tonumber(ARGV[2]) then redis.call('DEL', key)
    else put(key, ARGV[1] .. i, writes, 0) end
  end
end
return 1`,
}

/** A soft purge: keeps the value, and replaces the mark. KEYS: fences. ARGV: new mark. */
export const MARK: Script = {
  name: 'laybyMark',
  lua: `${FENCE}
for i, key in ipairs(KEYS) do
  local value, writes, expired = known(key)
  if value ~= nil then
    local sign = string.find(value, '~', 1, true)
    if sign then value = string.sub(value, 1, sign - 1) end
    if expired then value = ARGV[1] .. i .. 'x' end
    put(key, value .. '~' .. ARGV[1] .. i, writes, 0)
  end
end
return 1`,
}

/** The credential was accepted. KEYS: fences. ARGV: lifetime, then the value that each must have. */
export const KEEP: Script = {
  name: 'laybyKeep',
  lua: `
for i, key in ipairs(KEYS) do
  if redis.pcall('GET', key) == ARGV[1 + i] then redis.call('PEXPIRE', key, ARGV[1]) end
end
return 1`,
}

/**
 * Nothing was stored, and the credential may be nobody's. KEYS: fences. ARGV: the lifetime of a provisional fence,
 * then the value that each must have to be removed. Gives 1 for each that was.
 */
export const ABANDON: Script = {
  name: 'laybyAbandon',
  lua: `
local gone = {}
for i, key in ipairs(KEYS) do
  local isOurs = redis.pcall('GET', key) == ARGV[1 + i] and redis.call('PTTL', key) <= tonumber(ARGV[1])
  gone[i] = isOurs and redis.call('DEL', key) or 0
end
return gone`,
}

/** What can be done when nothing can be written for want of memory: a fence that is missing has changed. */
export const REMOVE: Script = {
  name: 'laybyRemove',
  lua: `
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
return 1`,
}

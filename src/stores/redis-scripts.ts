/**
 * The Lua scripts: what must happen in Redis without anything in between. All keys of a call are in one slot.
 *
 * A fence is a string: a random value, after a soft purge with `~` and a random mark; or `!` and the ids of the
 * writes under way, each followed by a semicolon. All lifetimes are relative milliseconds.
 */
import type { Script } from './redis-commands.ts'

/** Reads a value only if it is a string of a sane size; what is not, is removed. */
const BOUNDED_READ = `
local function bounded(key, max)
  local length = redis.pcall('STRLEN', key)
  if type(length) ~= 'number' or length > max then
    redis.pcall('DEL', key)
    return {'bad', 0}
  end
  if length == 0 then return {'', 0} end
  return {redis.call('GET', key), redis.call('PTTL', key)}
end`

/** A fence that is missing counts as changed: it is made anew. ARGV of the caller: value, lifetime. */
const OPEN_FENCE = `
local function open(key, value, lifetime)
  local known = redis.pcall('GET', key)
  if type(known) == 'string' then return known end
  local set = redis.pcall('SET', key, value, 'NX', 'PX', lifetime)
  if type(set) == 'table' and set.ok then return value end
  return false
end`

/** KEYS: fences. ARGV: new value, lifetime. Gives their values. */
export const OPEN: Script = {
  name: 'laybyOpen',
  lua: `${OPEN_FENCE}
local values = {}
for i, key in ipairs(KEYS) do values[i] = open(key, ARGV[1] .. i, ARGV[2]) end
return values`,
}

/** Takes a turn, or renews it, or finds it taken. ARGV of the caller: who, lifetime. */
const TAKE_TURN = `
local function take(key, who, lifetime)
  local holder = redis.pcall('GET', key)
  if holder == who then redis.call('PEXPIRE', key, lifetime)
  elseif type(holder) == 'string' then return 0
  else redis.call('SET', key, who, 'PX', lifetime) end
  return 1
end`

/**
 * KEYS: grant, admission, fences, and the turn to be taken if there is no grant. ARGV: new value, lifetime, most
 * bytes, who takes the turn, its lifetime; without the last two no turn is taken. Gives value and time left of the
 * first two, the fences, and whether the turn was taken: -1: it was not asked for.
 */
export const READ_STANDING: Script = {
  name: 'laybyReadStanding',
  lua: `${BOUNDED_READ}${OPEN_FENCE}${TAKE_TURN}
local grant = bounded(KEYS[1], tonumber(ARGV[3]))
local admission = bounded(KEYS[2], tonumber(ARGV[3]))
local reply = {grant[1], grant[2], admission[1], admission[2]}
local fences = ARGV[4] and #KEYS - 1 or #KEYS
for i = 3, fences do reply[i + 2] = open(KEYS[i], ARGV[1] .. i, ARGV[2]) end
local isWanted = ARGV[4] and (grant[1] == '' or grant[1] == 'bad')
reply[fences + 3] = isWanted and take(KEYS[#KEYS], ARGV[4], ARGV[5]) or -1
return reply`,
}

/**
 * Looks, and changes nothing. KEYS: any. ARGV: most bytes. Gives value and time left of each; of what is too
 * long, or no string, as of what is not there, no value.
 */
export const LOOK: Script = {
  name: 'laybyLook',
  lua: `
local reply = {}
for i, key in ipairs(KEYS) do
  local length = redis.pcall('STRLEN', key)
  local isSane = type(length) == 'number' and length > 0 and length <= tonumber(ARGV[1])
  reply[2 * i - 1] = isSane and redis.call('GET', key) or false
  reply[2 * i] = redis.call('PTTL', key)
end
return reply`,
}

/** KEYS: the credential's fence, its version pin. ARGV: new value, lifetime. */
export const READ_CREDENTIAL: Script = {
  name: 'laybyReadCredential',
  lua: `${OPEN_FENCE}
return {open(KEYS[1], ARGV[1], ARGV[2]), redis.pcall('GET', KEYS[2])}`,
}

/** KEYS: representation, fences. ARGV: new value, lifetime, most bytes. */
export const READ_REPRESENTATION: Script = {
  name: 'laybyReadRepresentation',
  lua: `${BOUNDED_READ}${OPEN_FENCE}
local found = bounded(KEYS[1], tonumber(ARGV[3]))
local reply = {found[1], found[2]}
for i = 2, #KEYS do reply[i + 1] = open(KEYS[i], ARGV[1] .. i, ARGV[2]) end
return reply`,
}

/**
 * Stores records, if no fence has changed since the fill began. KEYS: fences, records. ARGV: number of
 * fences, their values, then value and lifetime of each record. A representation that was superseded, which
 * one byte marks, is not brought back. Gives 1 if all was stored.
 */
export const STORE: Script = {
  name: 'laybyStore',
  lua: `
local fences = tonumber(ARGV[1])
for i = 1, fences do
  if redis.call('GET', KEYS[i]) ~= ARGV[1 + i] then return 0 end
end
local stored = 1
for i = fences + 1, #KEYS do
  local at = 2 + fences + (i - fences - 1) * 2
  if redis.pcall('STRLEN', KEYS[i]) == 1 then stored = 0
  else redis.call('SET', KEYS[i], ARGV[at], 'PX', ARGV[at + 1]) end
end
return stored`,
}

/** A write begins. KEYS: fences. ARGV: id, lifetime. */
export const BEGIN: Script = {
  name: 'laybyBegin',
  lua: `
for _, key in ipairs(KEYS) do
  local known = redis.pcall('GET', key)
  local ids = '!'
  if type(known) == 'string' and string.sub(known, 1, 1) == '!' and #known < 4096 then ids = known end
  redis.call('SET', key, ids .. ARGV[1] .. ';', 'PX', ARGV[2])
end
return 1`,
}

/** A write is over. KEYS: fences. ARGV: id, new value, lifetime, hold: how much longer it stays pending. */
export const SETTLE: Script = {
  name: 'laybySettle',
  lua: `
local hold = tonumber(ARGV[4])
for i, key in ipairs(KEYS) do
  local known = redis.pcall('GET', key)
  local ids = '!'
  if type(known) == 'string' and string.sub(known, 1, 1) == '!' then
    local at, stop = string.find(known, ARGV[1] .. ';', 2, true)
    ids = known
    if at then ids = string.sub(known, 1, at - 1) .. string.sub(known, stop + 1) end
  end
  if hold > 0 then
    redis.call('SET', key, ids .. ARGV[1] .. ';', 'PX', hold)
  elseif ids == '!' then
    redis.call('SET', key, ARGV[2] .. i, 'PX', ARGV[3])
  else
    redis.call('SET', key, ids, 'KEEPTTL')
  end
end
return 1`,
}

/** KEYS: fences. ARGV: new value, lifetime. A fence with a write under way changes when that settles. */
export const CHANGE: Script = {
  name: 'laybyChange',
  lua: `
for i, key in ipairs(KEYS) do
  local known = redis.pcall('GET', key)
  if not (type(known) == 'string' and string.sub(known, 1, 1) == '!') then
    redis.call('SET', key, ARGV[1] .. i, 'PX', ARGV[2])
  end
end
return 1`,
}

/**
 * A soft purge: keeps the value, and replaces the mark. KEYS: fences. ARGV: new value or mark, lifetime. What a
 * write under way guards changes when that settles, and a fence that is missing is made anew.
 */
export const MARK: Script = {
  name: 'laybyMark',
  lua: `
for i, key in ipairs(KEYS) do
  local known = redis.pcall('GET', key)
  if type(known) ~= 'string' then
    redis.call('SET', key, ARGV[1] .. i, 'PX', ARGV[2])
  elseif string.sub(known, 1, 1) ~= '!' then
    local at = string.find(known, '~', 1, true)
    if at then known = string.sub(known, 1, at - 1) end
    redis.call('SET', key, known .. '~' .. ARGV[1] .. i, 'PX', ARGV[2])
  end
end
return 1`,
}

/** What can be done when nothing can be written for want of memory: a fence that is missing has changed. */
export const REMOVE: Script = {
  name: 'laybyRemove',
  lua: `
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
return 1`,
}

/** KEYS: one. ARGV: value, lifetime. */
export const PUT: Script = {
  name: 'laybyPut',
  lua: `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`,
}

/** KEYS: a version pin. ARGV: the version, or nothing when it is not known, and a lifetime. Gives 1 if it was another. */
export const SET_PIN: Script = {
  name: 'laybySetPin',
  lua: `
local before = redis.pcall('GET', KEYS[1])
if ARGV[1] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
if type(before) == 'string' and before ~= ARGV[1] then return 1 end
return 0`,
}

/** KEYS: turns. ARGV: lifetime, who takes each. Gives 1 for each that is theirs now. */
export const TAKE_TURNS: Script = {
  name: 'laybyTakeTurns',
  lua: `${TAKE_TURN}
local taken = {}
for i, key in ipairs(KEYS) do taken[i] = take(key, ARGV[i + 1], ARGV[1]) end
return taken`,
}

/** Gives turns back. KEYS: turns. ARGV: who has each. */
export const END_TURNS: Script = {
  name: 'laybyEndTurns',
  lua: `
for i, key in ipairs(KEYS) do
  if redis.pcall('GET', key) == ARGV[i] then redis.call('DEL', key) end
end
return 1`,
}

/** Switches a tenant. KEYS: those that are off. ARGV: its field, and its value, or nothing to take it out. */
export const SWITCH: Script = {
  name: 'laybySwitch',
  lua: `
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1`,
}

/** KEYS: tenants that are off. Gives their values. */
export const LIST_OFF: Script = {
  name: 'laybyListOff',
  lua: `
return redis.call('HVALS', KEYS[1])`,
}

/**
 * The Lua scripts of records, fill locks, pins and switches: what must happen in Redis without anything in between.
 * All keys of a call are in one slot, all lifetimes relative milliseconds. Those of fences: `fence-scripts.ts`.
 */
import { OPEN_FENCE } from './fence-scripts.ts'
import type { Script } from './redis-commands.ts'

/** Longest name of a holder, and longest version, that are believed to be ours. */
const MAX_WORD_BYTES = 64

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

/**
 * Takes a turn, or renews it, or finds it taken. ARGV of the caller: who, lifetime. What is no text of a sane length, or
 * has no end, was put there by nobody who would give it back.
 */
// guard: fill-lock-end
const TAKE_TURN = `
local function take(key, who, lifetime)
  local length = redis.pcall('STRLEN', key)
  local isSane = type(length) == 'number' and length > 0 and length <= ${MAX_WORD_BYTES}
  local holder = isSane and redis.call('GET', key)
  if holder == who then redis.call('PEXPIRE', key, lifetime)
  elseif holder and redis.call('PTTL', key) >= 0 then return 0
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

/**
 * KEYS: the credential's fence, its version pin. ARGV: new value, lifetime. A pin that is no text of a sane length is
 * removed, and not known.
 */
// guard: bounded-words
export const READ_CREDENTIAL: Script = {
  name: 'laybyReadCredential',
  lua: `${BOUNDED_READ}${OPEN_FENCE}
return {open(KEYS[1], ARGV[1], ARGV[2]), bounded(KEYS[2], ${MAX_WORD_BYTES})}`,
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
 * Stores records, if no fence has changed since the fill began, and no write is under way. KEYS: fences, records.
 * ARGV: number of fences, their lifetime, their values, then value and lifetime of each record. A representation that was superseded, which
 * one byte marks, is not brought back. Gives 1 if all was stored.
 */
export const STORE: Script = {
  name: 'laybyStore',
  lua: `
local fences = tonumber(ARGV[1])
for i = 1, fences do
  if redis.pcall('GET', KEYS[i]) ~= ARGV[2 + i] then return 0 end
end
for i = 1, fences do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
local stored = 1
for i = fences + 1, #KEYS do
  local at = 3 + fences + (i - fences - 1) * 2
  if redis.pcall('STRLEN', KEYS[i]) == 1 then stored = 0
  else redis.call('SET', KEYS[i], ARGV[at], 'PX', ARGV[at + 1]) end
end
return stored`,
}

/** KEYS: one. ARGV: value, lifetime. */
export const PUT: Script = {
  name: 'laybyPut',
  lua: `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`,
}

/**
 * KEYS: a version pin. ARGV: the version, or nothing when it is not known, a lifetime, and 0 if none is to be made where
 * there is none. Gives 1 if it was another.
 */
export const SET_PIN: Script = {
  name: 'laybySetPin',
  lua: `
local before = redis.pcall('GET', KEYS[1])
if type(before) ~= 'string' and ARGV[3] == '0' then return 0 end
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

/** Switches a tenant. KEYS: where it belongs, where it does not. ARGV: its field, and its value. */
export const SWITCH: Script = {
  name: 'laybySwitch',
  lua: `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1`,
}

/**
 * KEYS: hashes. ARGV: most values of each, most bytes of each. Gives how many values were left out, and the others. What
 * is no hash is removed.
 */
export const LIST_SWITCHES: Script = {
  name: 'laybyListSwitches',
  lua: `
local reply = {0}
for _, key in ipairs(KEYS) do
  local values = redis.pcall('HVALS', key)
  if values.err then
    redis.call('DEL', key)
    values = {}
  end
  for i, value in ipairs(values) do
    if i > tonumber(ARGV[1]) or #value > tonumber(ARGV[2]) then reply[1] = reply[1] + 1
    else reply[#reply + 1] = value end
  end
end
return reply`,
}

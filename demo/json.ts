/**
 * A JSON value as this upstream handles it. Integers are `bigint` and floats are `number`, because
 * ids reach 2^63-1 and because the API tells an integer from a float (`45` and `45.0`).
 */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject

/** A JSON object; keys in any order, they are sorted when written. */
export type JsonObject = { [key: string]: Json }

/**
 * Writes a value in the API's wire form: one line, sorted keys, separators `", "` and `": "`,
 * everything outside printable ASCII as lower-case `\uXXXX`.
 */
export function serialize(value: Json): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return writeFloat(value)
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(serialize).join(', ')}]`
  const members = Object.keys(value)
    .sort()
    .map((key) => `${quote(key)}: ${serialize(value[key] ?? null)}`)
  return `{${members.join(', ')}}`
}

/** A string as an ASCII-only JSON token. */
export function quote(text: string): string {
  // `JSON.stringify` leaves DEL and everything above alone; the API's serialiser escapes it all.
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The API is written in Python: a float always shows that it is one, exponents have two digits. */
function writeFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  }
  return Number.isInteger(value) ? value.toFixed(1) : String(value)
}

// A string token, or a number token. Applied only to text that is known to be valid JSON.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const INTEGER = /^-?\d+$/

/**
 * Reads JSON without losing integers. Every string token gets the mark `s` and every integer
 * becomes a string marked `i`, so that no text of the sender can pass for an integer.
 * `undefined` for what is not JSON.
 */
export function parse(text: string): Json | undefined {
  try {
    JSON.parse(text)
    const marked = text.replace(TOKEN, (token) => {
      if (token.startsWith('"')) return `"s${token.slice(1)}`
      return INTEGER.test(token) ? `"i${token}"` : token
    })
    return unmark(JSON.parse(marked))
  } catch {
    return undefined
  }
}

function unmark(value: unknown): Json {
  if (typeof value === 'string') {
    return value.startsWith('i') ? BigInt(value.slice(1)) : value.slice(1)
  }
  if (Array.isArray(value)) return value.map(unmark)
  if (value !== null && typeof value === 'object') {
    // `fromEntries` defines `__proto__` as an ordinary member instead of setting the prototype.
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key.slice(1), unmark(member)]),
    )
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null
}

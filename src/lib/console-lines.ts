/**
 * Libraries that write to the console write among the lines of the log, which are JSON. What they say becomes a
 * line of its own, as a code: their sentences may name addresses and users, and are left out.
 */
import type { Logger } from './logger.ts'

/** What ioredis says on the console, and where a password is not wanted it says so for every connection. */
const KNOWN: readonly (readonly [sentence: RegExp, code: string])[] = [
  [/does(?:n't| not) require a password/, 'PASSWORD_NOT_REQUIRED'],
  [/wrong number of arguments for 'auth'/, 'AUTH_ARGUMENTS'],
  [/Skipping the ready check because INFO/, 'INFO_REFUSED'],
]
const UNKNOWN = 'OTHER'

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const

/** From now on, each code is logged once. */
export function logConsole(log: Logger, target: Pick<Console, (typeof METHODS)[number]>): void {
  const logged = new Set<string>()
  const write = (...words: readonly unknown[]): void => {
    const text = words.map(String).join(' ')
    const code = KNOWN.find(([sentence]) => sentence.test(text))?.[1] ?? UNKNOWN
    if (logged.has(code)) return
    logged.add(code)
    log.warn({ 'error.code': code }, 'console message of a library')
  }
  for (const method of METHODS) target[method] = write
}

/** pino, with what must never be logged cut out by path as a second line of defence. */
import { type DestinationStream, type LogFn, type Logger, pino } from 'pino'
import { faultFields } from './fault-fields.ts'
import { standardOutput } from './standard-output.ts'

export type { Logger } from 'pino'

export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Nothing here logs headers or bodies; should it ever happen by accident, these are not written. */
const REDACTED = [
  'authorization',
  'headers.authorization',
  '*.authorization',
  '*.headers.authorization',
  'secret',
  'token',
  '*.token',
  'cookie',
  '*.cookie',
]

/** Of the Elastic Common Schema. */
const ECS_VERSION = '8.17.0'

/**
 * Field names follow the Elastic Common Schema where it has one.
 *
 * @param destination standard output unless given
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { 'ecs.version': ECS_VERSION, 'service.name': 'layby' },
    messageKey: 'message',
    timestamp: () => pino.stdTimeFunctions.isoTime().replace('time', '@timestamp'),
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ 'log.level': label }), log: withoutMessages },
    hooks: { logMethod: logFault },
    // pino takes the message of what stands under this name for that of the line.
    errorKey: 'error.object',
  }
  if (destination !== undefined) return pino(options, destination)
  const output = standardOutput()
  const log = pino(options, output)
  output.onResumed((lines) => log.warn({ 'log.dropped_lines': lines }, 'log lines dropped'))
  return log
}

/** Errors among the fields are logged without their messages, which may quote content. */
function withoutMessages(fields: Record<string, unknown>): Record<string, unknown> {
  if (!Object.values(fields).some((value) => value instanceof Error)) return fields
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? faultFields(value) : value,
    ]),
  )
}

/** An error in the place of the fields: its message would be the line's. */
function logFault(this: Logger, args: Parameters<LogFn>, method: LogFn): void {
  const [first, text] = args as unknown[]
  if (first instanceof Error) method.call(this, faultFields(first), (text as string) ?? 'fault')
  else method.apply(this, args)
}

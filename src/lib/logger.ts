/** pino, with what must never be logged cut out by path as a second line of defence. */
import { type DestinationStream, type Logger, pino } from 'pino'

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

/** Field names follow the Elastic Common Schema where it has one. */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { 'ecs.version': ECS_VERSION, 'service.name': 'layby' },
    messageKey: 'message',
    timestamp: () => pino.stdTimeFunctions.isoTime().replace('time', '@timestamp'),
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ 'log.level': label }) },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

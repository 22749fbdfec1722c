/**
 * Commands over what the epoch names: to be had only while this instance is enrolled. Under an epoch of before, a change
 * would be made where nobody looks.
 */
import type { Enrolment } from './enrolment.ts'
import type { RedisCommands, Reply } from './redis-commands.ts'

const NOT_TO_BE_HAD: Reply = { ok: false, refused: false }

export function enrolledCommands(
  commands: RedisCommands,
  enrolment: () => Pick<Enrolment, 'isEnrolled'>,
): RedisCommands {
  return {
    run: async (script, keys, args) =>
      enrolment().isEnrolled ? commands.run(script, keys, args) : NOT_TO_BE_HAD,
    publish: (channel, message) => commands.publish(channel, message),
    get isUsable() {
      return commands.isUsable && enrolment().isEnrolled
    },
    get isAnswering() {
      return commands.isAnswering && enrolment().isEnrolled
    },
    get isBreakerOpen() {
      return commands.isBreakerOpen
    },
    onUsable: (listener) => commands.onUsable(listener),
    onLost: (listener) => commands.onLost(listener),
    close: () => commands.close(),
  }
}

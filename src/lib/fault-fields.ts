/**
 * What of an error may be logged: its type, its code, and where it came from. Never its message, which may quote what
 * was being read: a parser of JSON repeats the text around the fault, and that may be a customer's.
 */

/** Names follow the Elastic Common Schema. */
export interface FaultFields {
  readonly 'error.type': string
  readonly 'error.code'?: string
  readonly 'error.stack_trace'?: string
}

const NAME = /^[A-Za-z]{1,60}$/
const CODE = /^[A-Z][A-Z0-9_]{1,60}$/
/** As V8 writes it; a line of a message hardly looks like it. */
const FRAME = /^ {4}at \S.{0,400}(?::[0-9]+:[0-9]+|<anonymous>)\)?$/
const MAX_FRAMES = 30

/** @param error whatever was thrown */
export function faultFields(error: unknown): FaultFields {
  if (!(error instanceof Error)) return { 'error.type': `thrown ${typeof error}` }
  const { code } = error as NodeJS.ErrnoException
  const frames = framesOf(error)
  return {
    'error.type': NAME.test(error.name) ? error.name : 'Error',
    ...(typeof code === 'string' && CODE.test(code) ? { 'error.code': code } : {}),
    ...(frames === '' ? {} : { 'error.stack_trace': frames }),
  }
}

/**
 * The stack begins with the message as it was when the error was made. What is found of it is left out as a whole, since
 * it may have lines that look like frames; a message that has changed since can't be found, and leaves no frames.
 */
function framesOf({ stack, message }: Error): string {
  if (typeof stack !== 'string') return ''
  const at = stack.indexOf(message)
  if (at === -1) return ''
  // guard: no-messages-in-logs
  const lines = stack.slice(at + message.length).split('\n', MAX_FRAMES + 1)
  return lines.filter((line) => FRAME.test(line)).join('\n')
}

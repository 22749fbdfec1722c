/** Why a call is given up here: what the upstream does, or does not do, leaves no answer to wait for. */

/** The answer did not come in time. */
export class Overdue extends Error {
  override readonly name = 'Overdue'
}

/** The answer has a status that HTTP does not know, below 100, or that nobody has asked for: 101. */
export class ImpossibleStatus extends Error {
  override readonly name = 'ImpossibleStatus'
}

/** The answer came in a transfer coding that was not asked for. RFC 9112 section 6.1. */
export class UnknownCoding extends Error {
  override readonly name = 'UnknownCoding'
}

/** The answer breaks HTTP, or is none to the request. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer'
}

/** The answer has ended within its body. */
export class BrokenBody extends Error {
  override readonly name = 'BrokenBody'
}

/**
 * The answers that a connection still owes, in the order of its requests. Node keeps such a list too, but shows it to
 * nobody, and forgets the connection when it gives it away (`connect`, `upgrade`).
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

class OwedAnswers {
  readonly #socket: Socket
  readonly #answers = new Set<ServerResponse>()
  #onNone: (() => void) | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    socket.once('close', this.#onClose)
  }

  add(answer: ServerResponse): void {
    this.#answers.add(answer)
    answer.once('close', () => {
      this.#answers.delete(answer)
      if (this.#answers.size === 0) this.#onNone?.()
    })
  }

  whenNone(then: () => void): void {
    if (this.#answers.size === 0) {
      then()
      return
    }
    this.#onNone = () => {
      this.#onNone = null
      this.#socket.off('drain', this.#onDrain)
      then()
    }
    this.#socket.on('drain', this.#onDrain)
  }

  /** In Node's place, which no longer tells them. */
  readonly #onDrain = (): void => {
    for (const answer of this.#answers) {
      if (answer.socket === this.#socket && answer.writableNeedDrain) answer.emit('drain')
    }
  }

  /**
   * Node tells an answer of its connection's end only once it is its turn. One that waits behind another would never
   * hear of it: its request would stay unreported, and what the upstream sends for it unread.
   */
  readonly #onClose = (): void => {
    for (const answer of this.#answers) {
      if (answer.socket !== null) continue
      answer.destroy()
      answer.emit('close')
    }
  }
}

const owed = new WeakMap<Socket, OwedAnswers>()

/** To be called for each request, as it comes. */
export function oweAnswer(socket: Socket, answer: ServerResponse): void {
  let answers = owed.get(socket)
  if (answers === undefined) {
    answers = new OwedAnswers(socket)
    owed.set(socket, answers)
  }
  answers.add(answer)
}

/** Calls `then`, now or once all that was asked on the connection has been answered, or has ended with it. */
export function whenNoneIsOwed(socket: Socket, then: () => void): void {
  const answers = owed.get(socket)
  if (answers === undefined) then()
  else answers.whenNone(then)
}

/**
 * The answers that a connection still owes, in the order of its requests. Node keeps such a list too, but shows it to
 * nobody, and forgets the connection when it gives it away (`connect`, `upgrade`).
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * From so many on, nothing more is read from the connection until half of them are given: a client may pipeline without
 * end, and Node parses all that it reads. What is read already (64 kB at most) still comes.
 */
const MAX_OWED = 100

class OwedAnswers {
  readonly #socket: Socket
  readonly #answers = new Set<ServerResponse>()
  #onNone: (() => void) | null = null
  #isPaused = false

  constructor(socket: Socket) {
    this.#socket = socket
    socket.once('close', this.#onClose)
  }

  add(answer: ServerResponse): void {
    this.#answers.add(answer)
    // guard: pipelined-requests
    if (this.#answers.size >= MAX_OWED) this.#pause()
    answer.once('close', () => {
      this.#answers.delete(answer)
      if (this.#isPaused) this.#answered()
      this.#onNone?.()
    })
  }

  /**
   * Node reads on at the end of each request and of each answer, and does so after it has told of it; so the pause
   * comes last, before the connection is polled again.
   */
  #pause(): void {
    this.#isPaused = true
    setImmediate(() => {
      if (this.#isPaused) this.#socket.pause()
    })
  }

  #answered(): void {
    if (this.#answers.size > MAX_OWED / 2) this.#pause()
    else this.#resume()
  }

  #resume(): void {
    this.#isPaused = false
    // Who waits for there to be none has the connection to itself by then, and resumes it.
    if (this.#onNone === null) this.#socket.resume()
  }

  whenNone(then: () => void, except: ServerResponse | null): void {
    if (this.#isNone(except)) {
      then()
      return
    }
    this.#onNone = () => {
      if (!this.#isNone(except)) return
      this.#onNone = null
      this.#socket.off('drain', this.#onDrain)
      then()
    }
    this.#socket.on('drain', this.#onDrain)
  }

  #isNone(except: ServerResponse | null): boolean {
    return this.#answers.size === (except !== null && this.#answers.has(except) ? 1 : 0)
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

/**
 * Calls `then`, now or once all that was asked on the connection has been answered, or has ended with it.
 *
 * @param except an answer that is not waited for
 */
export function whenNoneIsOwed(
  socket: Socket,
  then: () => void,
  except: ServerResponse | null = null,
): void {
  const answers = owed.get(socket)
  if (answers === undefined) then()
  else answers.whenNone(then, except)
}

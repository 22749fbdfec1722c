/**
 * Server-sent events for few listeners: what one timer makes goes to all of them, and while nobody listens
 * there is no timer. A listener that does not read is dropped, and comes again when it can.
 *
 * Anyone may listen, so that places alone would let anyone keep the operator out. Where all are taken, the newcomer
 * takes the place of the oldest listener that did not bring the operator's token; one that did keeps its place.
 */
import type { ServerResponse } from 'node:http'

const EVERY_MS = 1_000
const MAX_LISTENERS = 32
/** More than some twenty messages that were not read. */
const MAX_UNSENT_BYTES = 512 * 1024
/** What a listener is to wait before it connects again. */
const RETRY_MS = 2_000
/** The same, for one whose place was taken: so that those who are too many don't push each other out all the time. */
const GAVE_WAY_RETRY_MS = 10_000
/** Says that the connection lives, when there is nothing to tell. */
const HEARTBEAT = ': still here\n\n'

export class EventStream {
  /** One line of text, without line breaks. May fail: then there is nothing to tell this time. */
  readonly #make: () => Promise<string>
  /** In the order in which they came; the value: whether it brought the operator's token. */
  readonly #listeners = new Map<ServerResponse, boolean>()
  #timer: NodeJS.Timeout | null = null
  #isMaking = false
  #isEnded = false

  constructor(make: () => Promise<string>) {
    this.#make = make
  }

  /**
   * To be asked right before `join`.
   *
   * @returns false: all places are taken by those who brought the token, or the end has come
   */
  makeRoom(): boolean {
    if (this.#isEnded) return false
    // guard: dashboard-listeners
    if (this.#listeners.size < MAX_LISTENERS) return true
    for (const [response, isOperator] of this.#listeners) {
      // guard: token-keeps-place
      if (isOperator) continue
      this.#giveWay(response)
      return true
    }
    return false
  }

  /** Whether anything runs for it. */
  get isRunning(): boolean {
    return this.#timer !== null
  }

  /** Told at once, and then with the others, until either side ends. */
  async join(
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
    isOperator: boolean,
  ): Promise<void> {
    this.#listeners.set(response, isOperator)
    response.on('close', () => this.#leave(response))
    response.on('error', () => this.#leave(response))
    this.#timer ??= setInterval(() => void this.#tick(), EVERY_MS).unref()
    // The connection ends with the stream: a connection that is kept open would hold up the end of the process.
    const own = { 'Content-Type': 'text/event-stream; charset=utf-8', Connection: 'close' }
    response.writeHead(200, { ...headers, ...own, 'X-Accel-Buffering': 'no' })
    response.write(`retry: ${RETRY_MS}\n\n${await this.#message()}`)
  }

  /** Ends all, for good. */
  end(): void {
    this.#isEnded = true
    for (const response of this.#listeners.keys()) response.end()
    this.#listeners.clear()
    this.#stop()
  }

  /** One that does not read would not take the end either. */
  #giveWay(response: ServerResponse): void {
    this.#leave(response)
    if (response.writableLength > 0) response.destroy()
    else response.end(`retry: ${GAVE_WAY_RETRY_MS}\n\n`)
  }

  #leave(response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size === 0) this.#stop()
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  async #tick(): Promise<void> {
    if (this.#isMaking) return
    this.#isMaking = true
    const message = await this.#message()
    this.#isMaking = false
    for (const response of this.#listeners.keys()) {
      if (response.writableLength > MAX_UNSENT_BYTES) response.destroy()
      else response.write(message)
    }
  }

  async #message(): Promise<string> {
    try {
      return `data: ${await this.#make()}\n\n`
    } catch {
      // A gauge could not be read, for instance while no file can be opened.
      return HEARTBEAT
    }
  }
}

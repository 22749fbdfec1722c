/**
 * An instance like any other, whose operations listener is the primary's. Begun by `worker.ts`, which hears signals from
 * its first line on.
 */
import { type App, buildApp } from '../app.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/schema.ts'
import { systemClock } from '../lib/clock.ts'
import { faultFields } from '../lib/fault-fields.ts'
import type { StopSignals } from '../lib/stop-signals.ts'
import { PROBE_MS, PrimaryLink } from './link.ts'
import type { Question, ToPrimary, ToWorker } from './messages.ts'

function send(message: ToPrimary, written: () => void = () => {}): void {
  // Without the primary there is no one to report to; node:cluster ends this process then.
  if (process.connected) process.send?.(message, undefined, undefined, () => written())
}

const link = new PrimaryLink({ clock: systemClock, send })
let app: App | null = null
let isLeaving = false

async function start(config: Config): Promise<void> {
  try {
    app = await buildApp(config, {}, link)
    link.tick()
    setInterval(() => link.tick(), PROBE_MS).unref()
    send({ kind: 'listening', url: (await app.listen()).url })
  } catch (error) {
    fail(error)
  }
}

function fail(error: unknown): void {
  const { message, code } = error as NodeJS.ErrnoException
  const key = error instanceof ConfigError ? error.key : null
  const reason = key === null ? message : message.slice(`${key}: `.length)
  const failed: ToPrimary = { kind: 'failed', key, reason, code: code ?? null }
  send(failed, () => process.exit(1))
}

async function leave(): Promise<void> {
  if (isLeaving) return
  isLeaving = true
  await app?.close()
  process.exit(0)
}

/** An uncaught fault: what is under way is finished, and the primary starts another. */
function faulted(error: unknown): void {
  app?.log.fatal(faultFields(error), 'fault')
  process.exitCode = 1
  setTimeout(() => process.exit(1), 1_000).unref()
  void leave()
}

async function answer(n: number, question: Question): Promise<void> {
  const value = app === null ? null : await answerOf(app, question)
  send({ kind: 'answer', n, value })
}

async function answerOf({ operations }: App, question: Question): Promise<unknown> {
  if (operations === undefined) return null
  if (question.about === 'metrics') return operations.metrics()
  if (question.about === 'observations') return operations.observations()
  const { method, url, headers, body } = question.request
  const payload = body === null ? {} : { payload: body }
  const {
    statusCode,
    headers: own,
    body: text,
  } = await operations.inject({
    method: method as 'GET',
    url,
    headers: headers as Record<string, string>,
    ...payload,
  })
  return { status: statusCode, headers: own, body: text }
}

export function runWorker(signals: StopSignals): void {
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') void start(message.config)
    else if (message.kind === 'drain') void leave()
    else if (message.kind === 'ask') void answer(message.n, message.question)
    else link.receive(message)
  })
  // Ours come from the primary too; a signal to this process alone asks for another in its place.
  signals.handle({
    leave: () => void leave(),
    // The primary ends what does not leave in time.
    leaveNow: () => {},
    ignored: (signal) => app?.log.warn({ signal, 'process.pid': process.pid }, 'signal ignored'),
  })
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, faulted)
  }
  send({ kind: 'hello' })
}

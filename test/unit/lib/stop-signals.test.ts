import t from 'tap'
import { StopSignals } from '../../../src/lib/stop-signals.ts'
import { FakeClock } from '../../helpers/clock.ts'

function signals(isTerminal = false) {
  const listeners = new Map<NodeJS.Signals, () => void>()
  const done: string[] = []
  const time = new FakeClock()
  const terminal = { isThere: isTerminal }
  const actionsOf = (name: string) => ({
    leave: (signal: string) => done.push(`${name}: leave by ${signal}`),
    leaveNow: () => done.push(`${name}: leave now`),
    ignored: (signal: string) => done.push(`${name}: ${signal} ignored`),
  })
  const heard = new StopSignals({
    source: { on: (signal, listener) => listeners.set(signal, listener) },
    now: () => time.monotonic(),
    hasTerminal: () => terminal.isThere,
    actions: actionsOf('early'),
  })
  const send = (signal: NodeJS.Signals): void => listeners.get(signal)?.()
  return { heard, send, done, time, terminal, actionsOf, listeners }
}

t.test('what asks to leave is heard from the beginning, and by who takes over', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    const early = signals()
    early.send(signal)
    t.strictSame(early.done, [`early: leave by ${signal}`])
    const later = signals()
    later.heard.handle(later.actionsOf('later'))
    later.send(signal)
    t.strictSame(later.done, [`later: leave by ${signal}`])
  }
})

t.test(
  'a signal that comes twice for one press is one wish, and a second press another',
  async (t) => {
    const { send, done, time } = signals()
    send('SIGINT')
    time.advance(300)
    send('SIGINT')
    send('SIGTERM')
    t.strictSame(done, ['early: leave by SIGINT'])
    time.advance(700)
    send('SIGINT')
    t.strictSame(done, ['early: leave by SIGINT', 'early: leave now'])
  },
)

t.test('what asks for something else is ignored', async (t) => {
  const { send, done } = signals()
  send('SIGHUP')
  send('SIGUSR2')
  send('SIGHUP')
  t.strictSame(done, ['early: SIGHUP ignored', 'early: SIGUSR2 ignored', 'early: SIGHUP ignored'])
})

t.test('a terminal that closes ends what runs in it, and one that stays does not', async (t) => {
  const { send, done, terminal } = signals(true)
  send('SIGHUP')
  terminal.isThere = false
  send('SIGUSR2')
  send('SIGHUP')
  t.strictSame(done, ['early: SIGHUP ignored', 'early: SIGUSR2 ignored', 'early: leave by SIGHUP'])
})

t.test('signals that tell of a crash are left to the system', async (t) => {
  const { listeners } = signals()
  t.strictSame([...listeners.keys()].sort(), ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR2'])
})

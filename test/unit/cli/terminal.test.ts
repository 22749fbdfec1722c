/** The terminal is given back as it was, whatever ends the view. */
import { EventEmitter } from 'node:events'
import t from 'tap'
import type { Edges } from '../../../src/cli/edges.ts'
import { Terminal } from '../../../src/cli/terminal.ts'

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J'
const LEAVE = '\u001b[0m\u001b[?25h\u001b[?1049l'

function fakes(isTTY = true) {
  let written = ''
  const modes: boolean[] = []
  const stdin = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (mode: boolean) => void modes.push(mode),
    resume: () => stdin,
    pause: () => stdin,
  })
  const stdout = Object.assign(new EventEmitter(), {
    columns: 100,
    rows: 30,
    write: (text: string) => {
      written += text
      return true
    },
  })
  const signals = new EventEmitter()
  const edges = { stdin, stdout, signals } as unknown as Edges
  return { edges, stdin, stdout, signals, modes, written: () => written }
}

t.test('each way out gives it back, once', (t) => {
  const ways: [string, (fake: ReturnType<typeof fakes>, terminal: Terminal) => void][] = [
    ['q', ({ stdin }) => stdin.emit('data', Buffer.from('xq'))],
    ['Ctrl-C', ({ stdin }) => stdin.emit('data', '\u0003')],
    ['SIGINT', ({ signals }) => signals.emit('SIGINT')],
    ['SIGTERM', ({ signals }) => signals.emit('SIGTERM')],
    ['SIGHUP', ({ signals }) => signals.emit('SIGHUP')],
  ]
  for (const [name, leave] of ways) {
    const fake = fakes()
    const terminal = new Terminal(fake.edges, () => {})
    terminal.open()
    t.equal(terminal.quit.aborted, false)
    leave(fake, terminal)
    t.equal(terminal.quit.aborted, true, name)
    terminal.close()
    terminal.close()
    t.equal(fake.written(), ENTER + LEAVE, name)
    t.strictSame(fake.modes, [true, false])
    t.strictSame(fake.signals.eventNames(), [], 'no listener stays')
    t.strictSame(fake.stdin.eventNames(), [])
    t.strictSame(fake.stdout.eventNames(), [])
  }
  t.end()
})

t.test('a fault that ends the process gives it back too', (t) => {
  const { edges, signals, written, modes } = fakes()
  new Terminal(edges, () => {}).open()
  signals.emit('exit', 1)
  t.equal(written(), ENTER + LEAVE)
  t.strictSame(modes, [true, false])
  t.end()
})

t.test(
  'it is drawn over what is there, again on a new size, and never once it is given back',
  (t) => {
    const { edges, stdout, written } = fakes()
    let resized = 0
    const terminal = new Terminal(edges, () => {
      resized++
    })
    terminal.draw(['before'])
    terminal.open()
    terminal.draw(['a', 'b'])
    t.equal(written(), `${ENTER}\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J`)
    t.strictSame(terminal.size, { columns: 100, rows: 30 })
    stdout.emit('resize')
    t.equal(resized, 1)
    terminal.close()
    const length = written().length
    terminal.draw(['late'])
    t.equal(written().length, length)
    t.end()
  },
)

t.test('keys are heard only from a terminal', (t) => {
  const { edges, stdin, modes } = fakes(false)
  const terminal = new Terminal(edges, () => {})
  terminal.open()
  t.strictSame(stdin.eventNames(), [])
  terminal.close()
  t.strictSame(modes, [])
  t.end()
})

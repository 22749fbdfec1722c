/** The log's output while its reader stands still, is gone, or has no room: real pipes, nothing simulated. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { LogOutput } from '../../../src/lib/log-output.ts'
import { FakeClock } from '../../helpers/clock.ts'
import { until } from '../../helpers/until.ts'

const MODULE = fileURLToPath(new URL('../../../src/lib/log-output.js', import.meta.url))
const LINE_BYTES = 1_000
const MAX_WAITING_BYTES = 100_000

/** A pipe of which both ends are here, in nonblocking mode. */
function makePipe(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'layby-log-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  let isOpen = true
  const closeReader = (): void => {
    if (isOpen) closeSync(reading)
    isOpen = false
  }
  t.teardown(() => {
    closeReader()
    closeSync(fd)
    rmSync(folder, { recursive: true })
  })
  const bytes = Buffer.alloc(65_536)
  let text = ''
  /** All that can be read now, with what was read before. */
  const read = (): string => {
    try {
      for (;;) {
        const count = readSync(reading, bytes)
        if (count === 0) return text
        text += bytes.toString('latin1', 0, count)
      }
    } catch {
      return text
    }
  }
  return { path, fd, read, closeReader }
}

const lineOf = (n: number): string => `${String(n).padEnd(LINE_BYTES - 1, '.')}\n`
const numbersIn = (text: string): number[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.replaceAll('.', '')))

t.test('lines arrive whole and in order', async (t) => {
  const pipe = makePipe(t)
  const output = new LogOutput({ fd: pipe.fd, now: () => 0 })
  for (let n = 0; n < 500; n++) output.write(lineOf(n))
  await until(async () => numbersIn(pipe.read()).length === 500, 'all that was written')
  t.strictSame(
    numbersIn(pipe.read()),
    Array.from({ length: 500 }, (_, n) => n),
  )
  t.equal(output.droppedLines, 0)
})

t.test(
  'lines beyond the bound are dropped, and reported once when the rest has been taken',
  async (t) => {
    const pipe = makePipe(t)
    const output = new LogOutput({ fd: pipe.fd, now: () => 0, maxWaitingBytes: MAX_WAITING_BYTES })
    const told: number[] = []
    output.onResumed((dropped) => told.push(dropped))
    for (let n = 0; n < 2_000; n++) output.write(lineOf(n))
    await until(async () => output.droppedLines > 0, 'that some were dropped')
    // What a pipe holds, what waits, and what was being written.
    const dropped = output.droppedLines
    t.ok(dropped > 2_000 - (MAX_WAITING_BYTES + 2 * 65_536) / LINE_BYTES, `${dropped} dropped`)
    t.strictSame(told, [], 'it would not be read')
    await until(async () => pipe.read() !== '' && told.length > 0, 'that it goes on')
    t.strictSame(told, [output.droppedLines])
    const numbers = numbersIn(pipe.read())
    t.equal(numbers.length, 2_000 - output.droppedLines, 'what was not dropped has come')
    t.strictSame(
      numbers,
      numbers.toSorted((a, b) => a - b),
    )
    output.write(lineOf(2_000))
    await until(async () => numbersIn(pipe.read()).at(-1) === 2_000, 'the next line')
    t.equal(told.length, 1)
  },
)

t.test('the end of a process does not wait for a reader that stands still', async (t) => {
  const pipe = makePipe(t)
  const time = new FakeClock()
  // Each look at the clock is a while later.
  const now = (): number => {
    time.advance(50)
    return time.monotonic()
  }
  const output = new LogOutput({ fd: pipe.fd, now })
  for (let n = 0; n < 200; n++) output.write(lineOf(n))
  output.flushSync()
  const numbers = numbersIn(pipe.read())
  t.ok(numbers.length >= 50, `${numbers.length} were taken`)
  output.flushSync()
  t.ok(numbersIn(pipe.read()).length > numbers.length, 'and more, once there is room')
})

t.test(
  'the end of a process does not wait for an output without room, or without a reader',
  async (t) => {
    const gone = makePipe(t)
    gone.closeReader()
    const full = openSync('/dev/full', 'w')
    t.teardown(() => closeSync(full))
    for (const fd of [gone.fd, full]) {
      const output = new LogOutput({ fd, now: () => 0, maxWaitingBytes: MAX_WAITING_BYTES })
      for (let n = 0; n < 200; n++) output.write(lineOf(n))
      output.flushSync()
      t.ok(output.droppedLines > 0, 'and what waits is bounded')
    }
  },
)

t.test('a process ends by itself while lines wait', async (t) => {
  const pipe = makePipe(t)
  const script = `
    import { openSync, constants } from 'node:fs'
    const { LogOutput } = await import(${JSON.stringify(MODULE)})
    const fd = openSync(${JSON.stringify(pipe.path)}, constants.O_WRONLY | constants.O_NONBLOCK)
    const output = new LogOutput({ fd, now: () => performance.now() })
    for (let n = 0; n < 200; n++) output.write('x'.repeat(${LINE_BYTES}) + '\\n')
    process.on('exit', () => output.flushSync())`
  const args = ['NODE_OPTIONS=', process.execPath, '--input-type=module', '--eval', script]
  const child = spawn('env', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [code] = await once(child, 'exit')
  t.equal(code, 0)
})

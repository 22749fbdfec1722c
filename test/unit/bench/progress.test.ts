/** Long commands say on a terminal what they are at, and a log stays as it is. */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { progressOn } from '../../../bench/progress.ts'

const STEP = fileURLToPath(new URL('../../../../test/step.sh', import.meta.url))

t.test('each step is a line on a terminal, and nothing elsewhere', (t) => {
  const written: string[] = []
  const write = (text: string) => written.push(text)
  progressOn({ isTTY: true, write })('round 1 of 3')
  progressOn({ isTTY: false, write })('round 2 of 3')
  progressOn({ write })('round 3 of 3')
  t.strictSame(written, ['… round 1 of 3\n'])
  t.end()
})

t.test('steps of shell scripts are the same', (t) => {
  const { stdout, stderr, status } = spawnSync('sh', [STEP, 'compiling'], { encoding: 'utf8' })
  t.strictSame({ stdout, stderr, status }, { stdout: '', stderr: '', status: 0 })
  // `script` gives it a terminal.
  const onTerminal = execFileSync('script', ['-qec', `sh '${STEP}' compiling`, '/dev/null'], {
    encoding: 'utf8',
    input: '',
  })
  t.match(onTerminal, '… compiling')
  t.end()
})

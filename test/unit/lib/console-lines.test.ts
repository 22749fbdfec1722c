import t from 'tap'
import { logConsole } from '../../../src/lib/console-lines.ts'
import { createLogger } from '../../../src/lib/logger.ts'

t.test('what a library says on the console is one line of the log for each code', (t) => {
  const lines: string[] = []
  const nothing = (): void => void t.fail('it was written')
  const target = {
    debug: nothing,
    error: nothing,
    info: nothing,
    log: nothing,
    trace: nothing,
    warn: nothing,
  }
  logConsole(createLogger('info', { write: (line: string) => void lines.push(line) }), target)
  const say: (text: unknown) => void = target.warn
  say('[WARN] Redis server does not require a password, but a password was supplied.')
  say("[WARN] This Redis server's `default` user does not require a password, but one was supplied")
  say('Skipping the ready check because INFO command fails: "NOPERM user layby-secret"')
  ;(target.error as typeof say)(new Error('[ioredis] Unhandled: connect ECONNREFUSED 10.1.2.3:1'))
  ;(target.log as typeof say)({ token: 'a.b.c' })
  const codes = lines.map((line) => (JSON.parse(line) as Record<string, string>)['error.code'])
  t.strictSame(codes, ['PASSWORD_NOT_REQUIRED', 'INFO_REFUSED', 'OTHER'])
  t.notMatch(lines.join(''), /10\.1\.2\.3|layby-secret|a\.b\.c/)
  t.end()
})

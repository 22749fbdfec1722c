/** The grammar: what is understood, what is refused, and that help fits a terminal. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { commandLinePage, helpTexts } from '../../../docs/command-line.ts'
import { type Actions, buildProgram } from '../../../src/cli/program.ts'
import { wantedBy } from '../../../src/cli/purge.ts'
import { configKeys } from '../../../src/config/keys.ts'

const ROOT = new URL('../../../../', import.meta.url)

interface Parsed {
  readonly command: string | null
  readonly options: Record<string, unknown>
  readonly said: string
  readonly code: string | null
}

async function parse(args: readonly string[]): Promise<Parsed> {
  let command: string | null = null
  let options: Record<string, unknown> = {}
  let said = ''
  let code: string | null = null
  const actions = new Proxy({} as Actions, {
    get: (_, name) => async (given: Record<string, unknown>) => {
      command = String(name)
      options = given
    },
  })
  const note = (text: string): void => {
    said += text
  }
  const program = buildProgram('1.2.3', actions, { out: note, err: note, width: 80 })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    code = (error as { readonly code: string }).code
  }
  return { command, options, said, code }
}

t.test('each command takes its options', async (t) => {
  const taken: [string, string, Record<string, unknown>][] = [
    ['check-config --json', 'checkConfig', { json: true }],
    [
      'purge --tenant 7 --customer 9223372036854775807',
      'purge',
      { tenant: '7', customer: '9223372036854775807', timeoutMs: 5_000 },
    ],
    [
      'purge --token-stdin --url http://h:1/ --timeout-ms 20',
      'purge',
      { tokenStdin: true, url: 'http://h:1/', timeoutMs: 20 },
    ],
    ['tenants --top 5', 'tenants', { top: 5, sort: 'misses', timeoutMs: 5_000 }],
  ]
  for (const [line, command, options] of taken) {
    const parsed = await parse(line.split(' '))
    t.equal(parsed.command, command, line + parsed.said)
    t.strictSame(parsed.options, options, line)
  }
  t.equal((await parse(['--version'])).said, '1.2.3\n')
})

t.test('what is not understood is one line, and never a value that may be a secret', async (t) => {
  const canary = 'zqcanaryqz'
  const refused: [string[], RegExp][] = [
    [['sreve'], /^layby: unknown command 'sreve'\n\(Did you mean serve\?\)\n$/],
    [['serve', canary], /^layby: too many arguments.*\n$/],
    [['purge', `--token=${canary}`], /^layby: unknown option '--token'\n/],
    [['purge', '--tenant', '07'], /^layby: option '--tenant <id>' is invalid\..*\n$/],
    [['purge', '--credential', `Bearer ${canary}`], /^layby: .*named by its hash/],
    [['tenants', '--top', '101'], /^layby: .*from 1 to 100/],
    [['tenants', '--sort', 'x'], /^layby: .*Allowed choices/],
    [['tenants', '--url', 'ftp://h'], /^layby: .*http or https/],
    [['tenants', '--url', `http://u:${canary}@h`], /^layby: .*no credentials/],
    [['tenants', '--timeout-ms', '0'], /^layby: .*from 1 to/],
  ]
  for (const [args, expected] of refused) {
    const { said, code } = await parse(args)
    t.match(said, expected)
    t.notMatch(said, canary)
    t.type(code, 'string')
  }
})

t.test('a purge is of one thing, and of a whole tenant only if that is said twice', (t) => {
  const base = { timeoutMs: 1 }
  const value = (options: object) => {
    const wanted = wantedBy({ ...base, ...options })
    return 'value' in wanted ? wanted.value : wanted.failure.exitCode
  }
  const tenant = '7'
  t.strictSame(value({ tenant, customer: '5' }), { mode: 'hard', tenant, customer: '5' })
  t.strictSame(value({ tenant, all: true, yes: true }), { mode: 'hard', tenant, all: true })
  t.strictSame(value({ credential: 'h', soft: true }), { mode: 'soft', credential: 'h' })
  t.strictSame(value({ tokenStdin: true }), { mode: 'hard', tokenStdin: true })
  for (const wrong of [
    {},
    { tenant },
    { customer: '5' },
    { all: true, yes: true },
    { tenant, all: true },
    { tenant, all: true, customer: '5', yes: true },
    { tenant, customer: '5', credential: 'h' },
    { credential: 'h', tokenStdin: true },
  ]) {
    t.equal(value(wrong), 64, JSON.stringify(wrong))
  }
  t.end()
})

t.test('help fits 80 columns, and has examples and exit codes', (t) => {
  const texts = helpTexts()
  t.ok(texts.size > 4)
  for (const [name, text] of texts) {
    for (const line of text.split('\n')) t.ok(line.length <= 80, `${name}: ${line}`)
    t.match(text, /Examples:\n {2}\$ /, name)
    t.match(text, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}64 .*\n {2}69 .*\n {2}78 /, name)
  }
  t.end()
})

t.test('variables that help names are those of the configuration', (t) => {
  const known = configKeys().map(({ variable }) => variable)
  for (const text of helpTexts().values()) {
    for (const [name] of text.matchAll(/LAYBY_[A-Z_]+[A-Z]/g)) {
      const plain = name.replace(/_FILE$/, '')
      t.ok(plain === 'LAYBY_CONFIG' || known.includes(plain), name)
    }
  }
  t.end()
})

t.test('the page in docs/ is in step with the help texts', (t) => {
  t.equal(readFileSync(new URL('docs/command-line.md', ROOT), 'utf8'), commandLinePage())
  t.end()
})

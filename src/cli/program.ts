/** The grammar of the command line: commands, options, help. What they do is given by the caller. */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CheckConfigOptions } from './check-config.ts'
import type { ExplainOptions } from './explain.ts'
import * as help from './help-texts.ts'
import type { PurgeOptions } from './purge.ts'
import type { TenantsOptions } from './tenants.ts'
import type { TopOptions } from './top.ts'

export interface Actions {
  readonly serve: () => Promise<void>
  readonly checkConfig: (options: CheckConfigOptions) => Promise<void>
  readonly purge: (options: PurgeOptions) => Promise<void>
  readonly explain: (options: ExplainOptions) => Promise<void>
  readonly tenants: (options: TenantsOptions) => Promise<void>
  readonly top: (options: TopOptions) => Promise<void>
}

/** Where commander writes, and how wide; all of it through here, so that tests and documents see the same. */
export interface Screen {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Columns. */
  readonly width: number
}

const DEFAULT_TIMEOUT_MS = 5_000
const MAX_TIMEOUT_MS = 600_000

/** Throws commander's `CommanderError` in place of ending the process. */
export function buildProgram(version: string, actions: Actions, screen: Screen): Command {
  const program = new Command('layby')
    .description('Layby, a caching reverse proxy: serves, and tells operators what it does.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    // `explain --version` is the version of the API that a client asks for.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: screen.out,
      writeErr: screen.err,
      outputError: (text, write) => write(`layby: ${withoutValues(text)}`),
      getOutHelpWidth: () => screen.width,
      getErrHelpWidth: () => screen.width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', help.PROGRAM)
  serveCommand(program, actions)
  checkConfigCommand(program, actions)
  purgeCommand(program, actions)
  explainCommand(program, actions)
  tenantsCommand(program, actions)
  topCommand(program, actions)
  for (const command of program.commands) {
    command.helpOption('-h, --help', 'print this help').allowExcessArguments(false)
    command.addHelpText('after', help.EXIT_CODES)
  }
  return program
}

/** What was typed where it does not belong may be a secret (`--token=abc`): the option is told, its value never. */
function withoutValues(text: string): string {
  return text
    .replace(/^error: /, '')
    .replace(/(unknown option '[^'=]*)=[\s\S]*'/, "$1'")
    .replace(/ argument '[\s\S]*' is invalid\./, ' is invalid.')
}

function serveCommand(program: Command, { serve }: Actions): void {
  program
    .command('serve')
    .summary('serve; what layby does without a command')
    .description('Serves: reads from the cache where it may, and everything else from the API.')
    .addHelpText('after', help.SERVE)
    .action(serve)
}

function checkConfigCommand(program: Command, { checkConfig }: Actions): void {
  program
    .command('check-config')
    .summary('print the configuration in force, and what is wrong with it')
    .description('Checks the configuration, and prints what a start would have.')
    .option('--json', 'print JSON')
    .addHelpText('after', help.CHECK_CONFIG)
    .action((options: CheckConfigOptions) => checkConfig(options))
}

function purgeCommand(program: Command, { purge }: Actions): void {
  const command = program
    .command('purge')
    .summary('make a customer, a tenant or a credential ask the API again')
    .description('Purges entries on all instances.')
    .addOption(new Option('--tenant <id>', 'the tenant').argParser(id))
    .addOption(new Option('--customer <id>', 'one customer of the tenant').argParser(id))
    .option('--all', 'the whole tenant')
    .addOption(new Option('--credential <hash>', 'what was given to one').argParser(hash))
    .option('--token-stdin', 'the same; its token is read from standard input')
    .option('--soft', 'mark stale: a copy may still bridge a failing API')
    .option('--yes', 'a whole tenant is meant')
    .option('--json', 'print JSON')
  addTargetOptions(command)
    .addHelpText('after', help.PURGE)
    .action((options: PurgeOptions) => purge(options))
}

function explainCommand(program: Command, { explain }: Actions): void {
  const command = program
    .command('explain')
    .summary('what the next read of a customer would get, and why')
    .description('Explains what the next read of a customer by one credential would get.')
    .addOption(new Option('--tenant <id>', 'the tenant').argParser(id).makeOptionMandatory())
    .addOption(new Option('--customer <id>', 'the customer').argParser(id).makeOptionMandatory())
    .option('--version <version>', 'the x-api-version of the request; left out: it has none')
    .addOption(new Option('--credential <hash>', 'who reads, by its hash').argParser(hash))
    .option('--token-stdin', 'who reads; its token is read from standard input')
    .option('--json', 'print JSON, all of it')
  addTargetOptions(command)
    .addHelpText('after', help.EXPLAIN)
    .action((options: ExplainOptions) => explain(options))
}

function tenantsCommand(program: Command, { tenants }: Actions): void {
  const command = program
    .command('tenants')
    .summary('which tenants ask most, and why they miss')
    .description('Lists the tenants that ask most, and why their reads were no hits.')
    .addOption(new Option('--top <n>', 'how many').argParser(integer(1, 100)).default(20))
    .addOption(
      new Option('--sort <by>', 'which come first')
        .choices(['misses', 'requests'])
        .default('misses'),
    )
    .option('--json', 'print JSON')
  addTargetOptions(command)
    .addHelpText('after', help.TENANTS)
    .action((options: TenantsOptions) => tenants(options))
}

function topCommand(program: Command, { top }: Actions): void {
  const command = program
    .command('top')
    .summary('watch an instance: hits, latency, the API, problems')
    .description('Shows what an instance does, renewed once a second; q quits.')
    .option('--once', 'print one plain screen, and end')
  addTargetOptions(command)
    .addHelpText('after', help.TOP)
    .action((options: TopOptions) => top(options))
}

function addTargetOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--url <url>',
        'the operations listener of the instance (default: ops.host and ops.port of the configuration)',
      ).argParser(httpUrl),
    )
    .addOption(
      new Option('--timeout-ms <ms>', 'for each call')
        .argParser(integer(1, MAX_TIMEOUT_MS))
        .default(DEFAULT_TIMEOUT_MS),
    )
}

/** Ids stay text: they are larger than JavaScript's numbers. */
function id(text: string): string {
  if (/^[1-9][0-9]{0,18}$/.test(text)) return text
  throw new InvalidArgumentError('An id is a positive decimal integer.')
}

function hash(text: string): string {
  if (/^[A-Za-z0-9_-]{1,64}$/.test(text)) return text
  throw new InvalidArgumentError('A credential is named by its hash; a token: --token-stdin.')
}

function integer(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (value >= from && value <= to) return value
    throw new InvalidArgumentError(`It must be an integer from ${from} to ${to}.`)
  }
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
    throw new InvalidArgumentError('It must be an http or https URL without a query.')
  }
  if (url.username + url.password !== '') {
    throw new InvalidArgumentError('It must have no credentials: they are for the environment.')
  }
  return url.href
}

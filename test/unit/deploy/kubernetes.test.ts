import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Deployment } from 'kubernetes-models/apps/v1'
import type { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { Namespace, Service } from 'kubernetes-models/v1'
import t from 'tap'
import { parse, stringify } from 'yaml'
import { configKeys } from '../../../src/config/keys.ts'
import { configOf, documentsOf, longestReadMs, pathsBelow, textOf } from './files.ts'
import { invalidObject } from './models.ts'

const FOLDER = 'deploy/kubernetes'
interface AdapterValues {
  readonly rules: {
    readonly custom: readonly {
      readonly seriesQuery: string
      readonly name: { readonly matches: string; readonly as: string }
      readonly metricsQuery: string
    }[]
  }
}

interface Kustomization {
  readonly namespace: string
  readonly resources: readonly string[]
  readonly labels: readonly { readonly includeSelectors?: boolean }[]
  readonly images: readonly { readonly name: string; readonly newTag: string }[]
  readonly configMapGenerator: readonly { readonly name: string; readonly literals: string[] }[]
}

const one = <T>(file: string): T => {
  const documents = documentsOf(`${FOLDER}/${file}`)
  if (documents.length !== 1) throw new Error(`${file} has ${documents.length} documents`)
  return documents[0] as T
}
const kustomization = one<Kustomization>('kustomization.yaml')
const { spec: deployment } = new Deployment(one('deployment.yaml'))
const pod = deployment?.template.spec
const [container] = pod?.containers ?? []
if (deployment === undefined || pod === undefined || container === undefined) {
  throw new Error('deployment.yaml has no container')
}
const literals = Object.fromEntries(
  kustomization.configMapGenerator.flatMap(({ literals }) =>
    literals.map((literal) => literal.split(/=(.*)/s, 2) as [string, string]),
  ),
)
const variables = Object.fromEntries(
  (container.env ?? []).map(({ name, value = '' }) => [name, value]),
)
const config = configOf({ ...literals, ...variables })
const portOf = (path: string): unknown =>
  configKeys().find((key) => key.path === path)?.schema.default
const ports = new Map((container.ports ?? []).map((port) => [port.name, port.containerPort]))

t.test('every object is what Kubernetes allows', (t) => {
  const files = ['secret.example.yaml', 'autoscaling/horizontal-pod-autoscaler.yaml']
  for (const file of [...kustomization.resources, ...files]) {
    t.equal(invalidObject(one<object>(file)), undefined, file)
  }
  const wrong = { ...one<object>('pod-disruption-budget.yaml'), spec: { maxUnavailable: true } }
  t.match(invalidObject(wrong), /maxUnavailable/, 'it would see a wrong type')
  t.equal(invalidObject({ kind: 'Pot' }), 'Pot has no schema')
  t.end()
})

t.test('every object is rolled out, but for the example of a secret, which holds none', (t) => {
  const there = pathsBelow(FOLDER).map((path) => path.slice(FOLDER.length + 1))
  const apart = ['kustomization.yaml', 'secret.example.yaml']
  const own = there.filter((path) => !path.includes('/') && !apart.includes(path))
  t.strictSame(own.sort(), [...kustomization.resources].sort())
  const { stringData = {} } = one<{ stringData: Record<string, string> }>('secret.example.yaml')
  t.strictSame([...new Set(Object.values(stringData))], [''])
  const items = pod.volumes?.[0]?.secret?.items ?? []
  t.strictSame(items.map(({ key }) => key).sort(), Object.keys(stringData).sort())
  const mounted = container.volumeMounts?.[0]?.mountPath
  const files = items.map(({ key }) => `${mounted}/${key}`)
  t.strictSame(Object.values(variables).sort(), files.sort(), 'each is read by its variable')
  t.end()
})

t.test('labels reach no selector of a peer, and every selector finds the pods', (t) => {
  for (const { includeSelectors } of kustomization.labels) t.not(includeSelectors, true)
  const { labels = {} } = deployment.template.metadata ?? {}
  const selectors = [
    deployment.selector.matchLabels,
    new Service(one('service.yaml')).spec?.selector,
    new Service(one('service-ops.yaml')).spec?.selector,
    new PodDisruptionBudget(one('pod-disruption-budget.yaml')).spec?.selector?.matchLabels,
    new NetworkPolicy(one('network-policy.yaml')).spec?.podSelector?.matchLabels,
    ...(pod.topologySpreadConstraints ?? []).map((each) => each.labelSelector?.matchLabels),
  ]
  t.equal(selectors.length, 7)
  for (const selector of selectors) t.strictSame(selector, labels)
  const monitor = one<{ spec: { selector: { matchLabels: object } } }>(
    'service-monitor/service-monitor.yaml',
  )
  const { metadata } = new Service(one('service-ops.yaml'))
  t.strictSame(monitor.spec.selector.matchLabels, metadata?.labels)
  t.end()
})

t.test('a pod may drain: endpoints are forgotten, the longest read ends, then it is gone', (t) => {
  const { drainDelayMs, drainTimeoutMs } = config.server
  const { periodSeconds = 10, failureThreshold = 3 } = container.readinessProbe ?? {}
  t.ok(1_000 * periodSeconds * failureThreshold <= drainDelayMs, 'unready is noticed meanwhile')
  t.ok(drainTimeoutMs >= drainDelayMs + longestReadMs(config) + 1_000, 'the longest read ends')
  const graceMs = 1_000 * (pod.terminationGracePeriodSeconds ?? 30)
  t.ok(graceMs >= drainTimeoutMs + 2_000, 'it is not killed before')
  t.equal(container.lifecycle, undefined, 'no hook takes of that time')
  t.end()
})

t.test('there are always enough', (t) => {
  t.ok((deployment.replicas ?? 1) >= 3)
  t.strictSame(deployment.strategy?.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 })
  const { spec } = new PodDisruptionBudget(one('pod-disruption-budget.yaml'))
  t.equal(spec?.maxUnavailable, 1)
  const topologies = (pod.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey)
  t.strictSame(topologies, ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'])
  t.end()
})

t.test('the pod keeps to the restricted profile, and to less', (t) => {
  const { securityContext: ofPod } = pod
  t.equal(ofPod?.runAsNonRoot, true)
  t.ok((ofPod?.runAsUser ?? 0) > 0, 'by number: an image may name its user')
  t.equal(ofPod?.seccompProfile?.type, 'RuntimeDefault')
  t.strictSame(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  t.equal(pod.automountServiceAccountToken, false)
  for (const { name, ...kind } of pod.volumes ?? []) t.ok('secret' in kind, `${name} is read only`)
  const { metadata } = new Namespace(one('namespace.yaml'))
  t.equal(metadata?.labels?.['pod-security.kubernetes.io/enforce'], 'restricted')
  t.equal(metadata?.name, kustomization.namespace)
  t.end()
})

t.test(
  "no service's name can set a key: LAYBY_OPS_PORT of a service called layby-ops is a URL",
  (t) => {
    t.equal(pod.enableServiceLinks, false)
    t.end()
  },
)

t.test('the image is pinned to the version of the package', (t) => {
  const [image] = kustomization.images
  t.equal(image?.name, container.image)
  t.match(image?.newTag, /^\d+\.\d+\.\d+$/)
  t.end()
})

t.test('probes, services and policy use the default ports', (t) => {
  t.strictSame(Object.fromEntries(ports), { http: portOf('server.port'), ops: portOf('ops.port') })
  t.equal(config.server.port, portOf('server.port'))
  t.equal(config.ops.port, portOf('ops.port'))
  for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
    t.equal(probe?.httpGet?.port, 'ops')
  }
  const published = ['service.yaml', 'service-ops.yaml'].flatMap((file) =>
    (new Service(one(file)).spec?.ports ?? []).map(({ port, targetPort }) => [targetPort, port]),
  )
  t.strictSame(Object.fromEntries(published), Object.fromEntries(ports))
  t.end()
})

/** P3: an instance may stand still for so long before anybody ends it. */
const SILENCE_SECONDS = 10

/** Silence may begin with the first probe that fails, and goes on to the end of the last one's patience. */
function toleratedSeconds(probe: NonNullable<typeof container>['livenessProbe']): number {
  // Kubernetes' own defaults.
  const { periodSeconds = 10, timeoutSeconds = 1, failureThreshold = 3 } = probe ?? {}
  return (failureThreshold - 1) * periodSeconds + timeoutSeconds
}

t.test('P3: no probe ends an instance that was silent for less than ten seconds', (t) => {
  for (const probe of [container.startupProbe, container.livenessProbe]) {
    // Kubernetes' own defaults.
    t.ok(toleratedSeconds(probe) >= SILENCE_SECONDS, `${toleratedSeconds(probe)} s`)
  }
  t.equal(container.livenessProbe?.httpGet?.path, '/health/live', 'which no dependency can fail')
  const seconds = toleratedSeconds(container.livenessProbe)
  t.comment(
    `P3: the liveness probe ends an instance after ${seconds} s of silence, at the earliest`,
  )
  t.end()
})

t.test('the policy lets in clients to the public port and monitoring alone to the other', (t) => {
  const { spec } = new NetworkPolicy(one('network-policy.yaml'))
  t.strictSame(spec?.policyTypes, ['Ingress', 'Egress'])
  const sources = new Map((spec?.ingress ?? []).map(({ ports, from }) => [ports?.[0]?.port, from]))
  t.strictSame([...sources.keys()], [portOf('server.port'), portOf('ops.port')])
  const monitoring = { 'kubernetes.io/metadata.name': 'monitoring' }
  t.strictSame(sources.get(portOf('ops.port') as number), [
    { namespaceSelector: { matchLabels: monitoring } },
  ])
  t.end()
})

t.test('the policy lets out what Layby needs: names, Redis and the API', (t) => {
  const { spec } = new NetworkPolicy(one('network-policy.yaml'))
  const out = (spec?.egress ?? []).flatMap(({ ports = [], to }) => {
    t.ok(to?.length, 'nowhere is everywhere left open')
    return ports.map(({ port }) => port)
  })
  const url = new URL(config.upstream.url)
  const api = url.port === '' ? { 'https:': 443, 'http:': 80 }[url.protocol] : Number(url.port)
  t.strictSame(new Set(out), new Set([53, Number(new URL(config.redis.url ?? '').port), api]))
  t.end()
})

t.test('the autoscaler and the deployment do not fight over the number of instances', (t) => {
  const { resources, patches } = one<{
    readonly resources: readonly string[]
    readonly patches: readonly { readonly target: object; readonly patch: string }[]
  }>('autoscaling/kustomization.yaml')
  t.strictSame(resources, ['horizontal-pod-autoscaler.yaml'])
  const { spec } = one<HorizontalPodAutoscaler>('autoscaling/horizontal-pod-autoscaler.yaml')
  t.strictSame(spec?.scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'layby' })
  t.strictSame(
    patches.map(({ target }) => target),
    [{ kind: 'Deployment', name: 'layby' }],
  )
  t.strictSame(parse(patches[0]?.patch ?? ''), [{ op: 'remove', path: '/spec/replicas' }])
  t.equal(spec?.minReplicas, deployment.replicas)
  t.end()
})

t.test("the autoscaler's metric is what the adapter makes of a counter of Layby", (t) => {
  const { spec } = one<HorizontalPodAutoscaler>('autoscaling/horizontal-pod-autoscaler.yaml')
  const { rules } = one<AdapterValues>('autoscaling/prometheus-adapter.yaml')
  const [rule] = rules.custom
  t.equal(rules.custom.length, 1)
  const [, series = ''] = /^(\w+)\{/.exec(rule?.seriesQuery ?? '') ?? []
  t.match(textOf('docs/metrics.md'), new RegExp(`^\\| \`${series}\` \\| counter \\|`, 'm'))
  t.match(series, new RegExp(rule?.name.matches ?? '^$'))
  t.equal(spec?.metrics?.[0]?.pods?.metric.name, rule?.name.as)
  const query = rule?.metricsQuery
    .replace('<<.Series>>', series)
    .replace('<<.LabelMatchers>>', 'namespace="layby",pod=~"a|b"')
    .replace('<<.GroupBy>>', 'pod')
  const file = join(t.testdir({}), 'rules.yml')
  const group = { name: 'a', rules: [{ record: 'a', expr: query }] }
  writeFileSync(file, stringify({ groups: [group] }))
  t.match(execFileSync('promtool', ['check', 'rules', file]).toString(), 'SUCCESS')
  t.end()
})

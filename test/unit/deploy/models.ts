/** Objects of Kubernetes against its own schemas. */
import { Deployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1'

const MODELS: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  Secret,
  Service,
  ServiceAccount,
}
/** Kinds of the Prometheus operator: it has no schemas among the packages here. */
const UNKNOWN: readonly string[] = ['ServiceMonitor', 'PrometheusRule']

/** What is wrong with an object, or undefined; a kind without a schema is wrong as well. */
export function invalidObject(object: object): string | undefined {
  const { kind } = object as { readonly kind: string }
  if (UNKNOWN.includes(kind)) return undefined
  const Model = MODELS[kind]
  if (Model === undefined) return `${kind} has no schema`
  try {
    new Model(object as never).validate()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

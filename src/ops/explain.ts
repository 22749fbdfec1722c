/**
 * `GET /admin/explain`: what the next plain read of a credential would be answered with, and why
 * (docs/explain.md). It looks, and changes nothing.
 */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Explainer, Question, Surroundings } from '../cache/explainer.ts'
import type { Outcome } from '../cache/outcome.ts'
import type { Prediction } from '../cache/prediction.ts'
import { meaningOf } from '../cache/reasons.ts'
import type { Failure } from '../cache/served.ts'
import { API_VERSIONS } from '../contract/headers.ts'
import { matchRead, type RouteMatch } from '../contract/routes.ts'
import type { AdminRoute } from './admin-route.ts'

export interface ExplainDependencies {
  readonly explainer: Pick<Explainer, 'explain'>
  readonly around: Surroundings
  /** As on the wire. */
  readonly cacheStatus: (told: Outcome) => string | null
  /** The code of the problem that a client is answered with. */
  readonly problemOf: (failure: Failure) => string
}

const ID = '^[1-9][0-9]{0,18}$'

const ExplainQuery = Type.Object(
  {
    tenant: Type.String({ pattern: ID }),
    customer: Type.String({ pattern: ID }),
    version: Type.Optional(Type.Enum([...API_VERSIONS])),
    credential: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  },
  {
    additionalProperties: false,
    description:
      'send tenant and customer as decimal integers, credential as POST /admin/credential gives it, and version as a published one or not at all',
  },
)
type ExplainQuery = Static<typeof ExplainQuery>

export function explainRoute(deps: ExplainDependencies): AdminRoute {
  return {
    method: 'GET',
    path: '/explain',
    action: 'explain',
    schema: { querystring: ExplainQuery },
    asked: ({ query }: FastifyRequest) => {
      const { tenant, customer, credential } = query as ExplainQuery
      return { tenant, customer, credential }
    },
    handle: async ({ query }: FastifyRequest) => ({
      status: 200,
      body: await explained(questionOf(query as ExplainQuery), deps),
    }),
  }
}

function questionOf({ tenant, customer, version, credential }: ExplainQuery): Question {
  return { match: customerOf(customer), tenant, version: version ?? null, partition: credential }
}

/** Everything that fits the schema's pattern and is too long for an id is no customer of anybody. */
function customerOf(customer: string): RouteMatch {
  const found = matchRead(`/customers/${customer}`)
  if (found.kind !== 'cached') throw new NoSuchCustomer()
  return found.match
}

class NoSuchCustomer extends Error {
  override readonly name = 'NoSuchCustomer'
  readonly statusCode = 400
}

async function explained(question: Question, deps: ExplainDependencies): Promise<object> {
  const { prediction, alternative, ifUpstreamFails, ...rest } = await deps.explainer.explain(
    question,
    deps.around,
  )
  return {
    prediction: told(prediction, deps),
    alternative: alternative === null ? null : told(alternative, deps),
    ifUpstreamFails: told(ifUpstreamFails, deps),
    ...rest,
  }
}

function told({ outcome, problem, assumes }: Prediction, deps: ExplainDependencies): object {
  const status = deps.cacheStatus(outcome)
  return {
    cacheStatus: problem === null ? (status?.replace('ttl=null', 'ttl=?') ?? null) : null,
    problem: problem === null || problem === 'overloaded' ? problem : deps.problemOf(problem),
    assumes,
    meaning: meaningOf('assumption', assumes).meaning,
  }
}

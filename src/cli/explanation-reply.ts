/** What `GET /admin/explain` answers, as far as it is printed. Durations are in milliseconds, of now. */
import Type, { type Static, type TSchema } from 'typebox'

const Text = Type.String()
const Amount = Type.Number()
const TextOrNull = Type.Union([Text, Type.Null()])
const NumberOrNull = Type.Union([Amount, Type.Null()])
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const Fence = Type.Object({ kind: Text, name: Text, value: TextOrNull, state: Text })
const Fences = Type.Array(Fence)

const Grant = Type.Object({
  kind: Text,
  ageMs: Amount,
  leftMs: NumberOrNull,
  digest: TextOrNull,
  version: TextOrNull,
  fences: Fences,
})

const Admission = Type.Object({ leftMs: Amount, fences: Fences })

const Representation = Type.Object({
  kind: Text,
  digest: TextOrNull,
  ageMs: Amount,
  freshForMs: NumberOrNull,
  staleForMs: NumberOrNull,
  bytes: NumberOrNull,
  fences: Fences,
})

const Look = Type.Object({
  verdict: Text,
  reason: Text,
  meaning: Text,
  remedy: Text,
  grant: orNull(Grant),
  admission: orNull(Admission),
  representation: orNull(Representation),
})

const Prediction = Type.Object({
  /** As the client would see it; null: it would be answered with a problem. */
  cacheStatus: TextOrNull,
  problem: TextOrNull,
  assumes: Text,
  meaning: Text,
})

export const Explanation = Type.Object({
  prediction: Prediction,
  alternative: orNull(Prediction),
  ifUpstreamFails: Prediction,
  memory: Look,
  redis: Type.Object({ state: Text, meaning: Text, remedy: Text, brought: orNull(Look) }),
  upstream: Type.Object({
    refusal: TextOrNull,
    isOverloaded: Type.Boolean(),
    follows: TextOrNull,
  }),
  fences: Fences,
  versionPin: Type.Object({ known: TextOrNull }),
  sharing: Type.Object({ configured: Text, inForce: Text, isTripped: Type.Boolean() }),
  lastReject: orNull(
    Type.Object({ reason: Text, meaning: Text, remedy: Text, status: Amount, agoMs: Amount }),
  ),
  lastHeaderChange: Type.Optional(orNull(Type.Object({ names: Type.Array(Text), agoMs: Amount }))),
})
export type Explanation = Static<typeof Explanation>
export type ExplainedLook = Static<typeof Look>
export type ExplainedFence = Static<typeof Fence>
export type Prediction = Static<typeof Prediction>

/** What is asked; `version` is left out for a request without `x-api-version`. */
export interface ExplainQuery {
  readonly tenant: string
  readonly customer: string
  readonly version?: string
  readonly credential: string
}

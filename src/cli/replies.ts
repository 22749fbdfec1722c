/**
 * What a running instance answers, as far as commands read it: an answer that does not fit is not believed,
 * members that are not named here are left alone, so that newer instances may say more.
 */
import Type, { type Static } from 'typebox'

/** `POST /admin/purge`, by what is purged. */
export type PurgeRequest = { readonly mode: 'hard' | 'soft' } & (
  | { readonly tenant: string; readonly customer: string }
  | { readonly tenant: string; readonly all: true }
  | { readonly credential: string; readonly former?: readonly string[] }
)

export const PurgeReply = Type.Object({
  generation: Type.String(),
  instancesAcked: Type.Integer(),
  instancesKnown: Type.Integer(),
  /** Redis, or an instance, has not been told for certain. */
  pending: Type.Optional(Type.Boolean()),
})
export type PurgeReply = Static<typeof PurgeReply>

export const CredentialReply = Type.Object({
  credential: Type.String(),
  /** Its names under secrets that are being retired. */
  former: Type.Optional(Type.Array(Type.String())),
})
export type CredentialReply = Static<typeof CredentialReply>

const Counts = Type.Record(Type.String(), Type.Number())

export const TenantRow = Type.Object({
  tenant: Type.String(),
  requests: Type.Number(),
  hits: Type.Number(),
  /** Turned away, since it had too much under way. */
  limited: Type.Number(),
  failed: Type.Number(),
  /** Reason → how many. */
  misses: Counts,
})
export type TenantRow = Static<typeof TenantRow>

export const TenantsReply = Type.Object({ tenants: Type.Array(TenantRow) })
export type TenantsReply = Static<typeof TenantsReply>

/**
 * May this credential be served from the store, now? (`docs/sharing.md`)
 *
 * The rule is one sentence: serve iff the credential's admission and grant are live, and the
 * representation that the grant names is there, fresh, and its fences hold. What follows is that
 * sentence, clause by clause, with the consequence of each clause failing.
 */
import type { RequestDirectives } from './cache-control.ts'
import type { Admission, Grant, Representation, Superseded, Withdrawal } from './records.ts'

/** `witnessed`: freshness is shared, entitlement is not. `credential`: neither. `tenant`: both. */
export type Sharing = 'witnessed' | 'credential' | 'tenant'

/** Everything that bears on the question. Pure values; the caller has looked them up. */
export interface Standing {
  /** In `tenant` sharing: a grant made up from what anyone in the tenant was last given. */
  readonly grant: Grant | Withdrawal | undefined
  readonly grantHolds: boolean
  readonly admission: Admission | undefined
  readonly admissionHolds: boolean
  /** What is stored under the digest that the grant names. */
  readonly representation: Representation | Superseded | undefined
  readonly representationHolds: boolean
  /** A soft purge has come since it was stored: where it holds, it is as true as it was, and stale. */
  readonly isMarked: boolean
  /** Proof of the token that asks; what bears another's is not for it, whatever key it was found under. */
  readonly holder: string
  /** The version that this credential last used upstream, as far as we know; null: not known. */
  readonly pinnedVersion: string | null
}

/** Why the credential has to ask the upstream itself, and may not wait for anybody else. */
export type AskReason =
  | 'no-grant'
  /** The upstream refused this credential the resource, or gave it something not to be stored. */
  | 'withdrawn'
  | 'grant-lapsed'
  /** The upstream has not lately accepted this credential in this tenant. */
  | 'not-admitted'
  /** A write, a purge or a refused credential came in between. */
  | 'fence'
  /** Somebody was given other bytes since; that may or may not concern this credential. */
  | 'superseded'
  | 'version-pin'

export type RefreshReason = 'missing' | 'stale' | 'marked' | 'request'

export type Verdict =
  | { readonly kind: 'serve'; readonly representation: Representation }
  /** Entitled to `digest`, which is not at hand or not fresh: may wait for another's refresh of it. */
  | {
      readonly kind: 'refresh'
      readonly digest: string
      /** `marked`: by a soft purge, before its freshness was over. */
      readonly why: RefreshReason
      /** The copy, where nothing is wrong with it but its age, or its mark. */
      readonly stale: Representation | null
    }
  | { readonly kind: 'ask'; readonly reason: AskReason }

/**
 * @param now monotonic milliseconds
 */
export function judge(standing: Standing, directives: RequestDirectives, now: number): Verdict {
  const { grant, admission, representation, pinnedVersion } = standing
  if (grant === undefined) return ask('no-grant')
  if (grant.kind === 'withdrawal') return ask('withdrawn')
  // guard: holder-proof
  if (grant.holder !== standing.holder) return ask('no-grant')
  // guard: grant-lifetime
  if (now >= grant.expiresAt) return ask('grant-lapsed')
  // guard: admission-lifetime
  if (admission === undefined || now >= admission.expiresAt) return ask('not-admitted')
  if (admission.holder !== standing.holder) return ask('not-admitted')
  // guard: held-fences
  if (!standing.admissionHolds || !standing.grantHolds) return ask('fence')
  if (grant.version !== pinnedVersion) return ask('version-pin')
  if (representation === undefined) return refresh(grant.digest, 'missing')
  if (representation.kind === 'superseded') return ask('superseded')
  if (!standing.representationHolds) return ask('fence')
  const why = whyNotServed(representation, standing.isMarked, directives, now)
  if (why === null) return { kind: 'serve', representation }
  return refresh(grant.digest, why, why === 'request' ? null : representation)
}

/** Whether the upstream has accepted the credential in the tenant, of late. @param now monotonic milliseconds */
export function isAdmitted(
  { admission, admissionHolds }: Pick<Standing, 'admission' | 'admissionHolds'>,
  now: number,
): boolean {
  return admission !== undefined && now < admission.expiresAt && admissionHolds
}

function whyNotServed(
  copy: Representation,
  isMarked: boolean,
  directives: RequestDirectives,
  now: number,
): 'stale' | 'marked' | 'request' | null {
  if (now >= copy.freshUntil) return 'stale'
  if (isMarked) return 'marked'
  return satisfies(directives, copy, now) ? null : 'request'
}

function ask(reason: AskReason): Verdict {
  return { kind: 'ask', reason }
}

function refresh(digest: string, why: RefreshReason, stale: Representation | null = null): Verdict {
  return { kind: 'refresh', digest, why, stale }
}

/**
 * A copy whose bytes the upstream has given within this time satisfies whatever is asked for, so that no directive can
 * make the upstream work more than once a second for one representation.
 */
const MIN_REFRESH_INTERVAL_MS = 1_000

/** Whether a fresh copy also satisfies what the client asked for (RFC 9111 section 5.2.1, all of it advisory). */
function satisfies(wanted: RequestDirectives, copy: Representation, now: number): boolean {
  // guard: refresh-floor
  if (now - copy.confirmedAt <= MIN_REFRESH_INTERVAL_MS) return true
  if (wanted.noCache || wanted.noStore) return false
  if (wanted.minFresh !== null && copy.freshUntil - now < wanted.minFresh * 1000) return false
  return wanted.maxAge === null || now - copy.generatedAt <= wanted.maxAge * 1000
}

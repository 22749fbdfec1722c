/**
 * Entries made unusable, or stale, because an operator asks for it (`docs/admin.md`): the change of
 * one fence, or of its mark, whatever it guards, so that a tenant costs no more than one record. Nothing is
 * searched for or deleted.
 */
import { SUBJECT } from '../contract/routes.ts'
import type { WriteFences } from './fence.ts'
import { credentialFence, type Key, subjectFence, tenantFence } from './key.ts'
import type { Roll, RollCall } from './ports.ts'
import type { Reporter } from './report.ts'

export type PurgeTarget =
  /** The entries of one customer; those of its children, which show other records, stay. */
  | { readonly kind: 'customer'; readonly tenant: string; readonly customer: string }
  | { readonly kind: 'tenant'; readonly tenant: string }
  /** What was given to one credential, in all tenants. The same credential under each secret still known. */
  | { readonly kind: 'credential'; readonly partitions: readonly string[] }

/** Freshness is shared by all who were given the same: a credential has none of its own to end. */
export type SoftTarget = Exclude<PurgeTarget, { kind: 'credential' }>

/** One instance, without Redis. */
export const ALONE: RollCall = { call: async () => ({ acked: 1, known: 1 }) }

export interface Purged {
  /** Names this purge in answers and in the log; random, since each fence has a value of its own. */
  readonly generation: string
  readonly roll: Roll
  /**
   * Redis, or an instance, has not been told for certain. This instance serves nothing from before; the
   * change is owed, and until it is made what lies in Redis is not used here.
   */
  readonly isPending: boolean
}

export interface PurgerDependencies {
  readonly fences: Pick<WriteFences, 'change' | 'mark'>
  readonly rollCall: RollCall
  readonly reporter: Pick<Reporter, 'invalidated'>
  readonly newId: () => string
}

export class Purger {
  readonly #deps: PurgerDependencies

  constructor(dependencies: PurgerDependencies) {
    this.#deps = dependencies
  }

  /** From when this resolves, this instance serves nothing of the target from before. Never rejects. */
  async purge(target: PurgeTarget): Promise<Purged> {
    return this.#tell(await this.#deps.fences.change(fencesOf(target)))
  }

  /** From when this resolves, all that this instance has of the target is stale. Never rejects. */
  async purgeSoftly(target: SoftTarget): Promise<Purged> {
    return this.#tell(await this.#deps.fences.mark(fencesOf(target)))
  }

  async #tell(isTold: boolean): Promise<Purged> {
    const { rollCall, reporter, newId } = this.#deps
    reporter.invalidated('purge')
    return { generation: newId(), roll: await rollCall.call(), isPending: !isTold }
  }
}

function fencesOf(target: PurgeTarget): Key[] {
  switch (target.kind) {
    case 'customer':
      return [subjectFence(target.tenant, SUBJECT, target.customer)]
    case 'tenant':
      return [tenantFence(target.tenant)]
    case 'credential':
      return target.partitions.map(credentialFence)
    default:
      return target satisfies never
  }
}

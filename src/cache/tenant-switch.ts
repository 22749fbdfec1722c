/**
 * Tenants for which an operator has switched the cache off: their reads skip it, and nothing of them is looked
 * up or stored. Asked for every read: without any such tenant, the look at one number.
 */
import type { SwitchedTenants } from './ports.ts'
import type { Purged, Purger } from './purge.ts'

export class TenantSwitch implements SwitchedTenants {
  #off: ReadonlySet<string> = new Set()

  isOff(tenant: string): boolean {
    return this.#off.size > 0 && this.#off.has(tenant)
  }

  set(tenant: string, isOff: boolean): void {
    const off = new Set(this.#off)
    if (isOff) off.add(tenant)
    else off.delete(tenant)
    this.#off = off
  }

  get off(): readonly string[] {
    return [...this.#off]
  }
}

export interface SwitchDependencies {
  readonly tenants: TenantSwitch
  /** Tells the other instances, and those to come. False: they could not be told yet. */
  readonly share: (tenant: string, isOff: boolean) => Promise<boolean>
  readonly purger: Pick<Purger, 'purge'>
}

/**
 * Switched first and purged then, either way: who acknowledges the purge has heard of the switch before it. What
 * a fill from before brings afterwards bears a fence that has changed.
 */
export async function switchTenant(
  tenant: string,
  isOff: boolean,
  { tenants, share, purger }: SwitchDependencies,
): Promise<Purged> {
  tenants.set(tenant, isOff)
  const isShared = await share(tenant, isOff)
  const purged = await purger.purge({ kind: 'tenant', tenant })
  return { ...purged, isPending: purged.isPending || !isShared }
}

/** What is said at the start of an instance whose tenants share plainly (`docs/sharing.md`). */
import type { Logger } from '../lib/logger.ts'

export function warnOfPlainSharing(sharing: string, log: Logger): void {
  if (sharing !== 'tenant') return
  log.warn(
    { 'cache.sharing': sharing },
    'every admitted token of a tenant may read every cached customer of it: right only if all see the same',
  )
}

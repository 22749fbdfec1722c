import type { Pins, RequestCredential } from '../../src/cache/request.ts'

/** A credential of the given name, for tests that have no tokens. */
export function plainCredential(partition: string): RequestCredential {
  return { partition, holder: partition, sealFor: () => Buffer.alloc(32), former: [] }
}

/** Every credential last used this version. */
export function pinnedTo(version: string | null): Pins {
  return { current: () => version, adopt: () => {} }
}

/** The nine published roles, and the one that only the endpoint pages name (contract 3.2). */
export const ROLES = [
  'Public',
  'Admin',
  'Driver',
  'Dispatcher',
  'CrmUser',
  'ThirdPartyDispatcher',
  'ThirdPartyDriver',
  'ThirdPartyAdmin',
  'ThirdPartyCrmUser',
  'ClientCustomer',
] as const

export type Role = (typeof ROLES)[number]

/**
 * What a reader is shown of one and the same customer. Roles with the same view get the same
 * bytes, and on some customers two views happen to agree: both cases matter to a cache.
 */
export type View = 'full' | 'crm' | 'driver' | 'third-party' | 'third-party-driver' | 'client'

const VIEWS: Readonly<Record<Role, View | undefined>> = {
  Public: undefined,
  Admin: 'full',
  Driver: 'driver',
  Dispatcher: 'full',
  CrmUser: 'crm',
  ThirdPartyDispatcher: 'third-party',
  ThirdPartyDriver: 'third-party-driver',
  ThirdPartyAdmin: undefined,
  ThirdPartyCrmUser: undefined,
  ClientCustomer: 'client',
}

/** The view of a role, or `undefined` for the roles that no customer read names (403). */
export function viewOf(role: Role): View | undefined {
  return VIEWS[role]
}

/** Whether customer writes are open to the role. */
export function mayWrite(role: Role): boolean {
  return role === 'Dispatcher' || role === 'Admin'
}

export function isRole(text: string): text is Role {
  return Object.hasOwn(VIEWS, text)
}

import type { Role } from './roles.ts'

/** The published versions, earliest first (contract 4). */
export const API_VERSIONS = [
  '2019/02/08',
  '2021/04/07',
  '2021/05/07',
  '2021/08/02',
  '2021/11/04',
  '2023/04/19',
] as const

export type ApiVersion = (typeof API_VERSIONS)[number]

export function isApiVersion(text: string): text is ApiVersion {
  return API_VERSIONS.some((version) => version === text)
}

/** An access token: the OAuth client it was issued to, and its user's role in each tenant. */
export interface Account {
  readonly token: string
  readonly clientId: string
  readonly roles: Map<string, Role>
  revoked: boolean
}

/** A token to add. `roles` by tenant id, a decimal string. */
export interface NewToken {
  readonly token: string
  readonly clientId: string
  readonly roles: ReadonlyMap<string, Role> | Readonly<Record<string, Role>>
}

/** Who may call, as what, and which version each OAuth client used last. */
export class Accounts {
  readonly #accounts = new Map<string, Account>()
  readonly #pins = new Map<string, ApiVersion>()

  add({ token, clientId, roles }: NewToken): void {
    const entries = roles instanceof Map ? roles : new Map(Object.entries(roles))
    this.#accounts.set(token, { token, clientId, roles: new Map(entries), revoked: false })
  }

  get(token: string): Account | undefined {
    return this.#accounts.get(token)
  }

  list(): Account[] {
    return [...this.#accounts.values()]
  }

  /** The live account of an `Authorization` value. The scheme word has no letter case. */
  authenticate(authorization: string | undefined): Account | undefined {
    if (authorization?.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
    const account = this.#accounts.get(authorization.slice(7))
    return account?.revoked === false ? account : undefined
  }

  /** The version of a call without the header: the client's last one, else the earliest. */
  pinned(clientId: string | undefined): ApiVersion {
    return (clientId === undefined ? undefined : this.#pins.get(clientId)) ?? API_VERSIONS[0]
  }

  /** An explicit version stays in force for the whole OAuth client, in every tenant. */
  pin(clientId: string, version: ApiVersion): void {
    this.#pins.set(clientId, version)
  }
}

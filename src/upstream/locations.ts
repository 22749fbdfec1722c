/**
 * Where an answer points to, in the client's terms. The API names its own address, and paths below that of `upstream.url`,
 * which the client knows nothing of: a client that followed them would leave Layby, or ask for the prefix twice.
 */
import type { HeaderList } from '../cache/records.ts'

/** A longer one is no address that we have to follow. */
const MAX_LENGTH = 8_192
const ABSOLUTE = /^(?:(https?):)?\/\/([^/?#]*)/i
const DEFAULT_PORT: Readonly<Record<string, string>> = { http: '80', https: '443' }

export class Locations {
  /** Path of `upstream.url`, without a final slash. */
  readonly base: string
  readonly #scheme: string
  /** Name and port. */
  readonly #host: string

  /** As `#host`, of what clients ask by: an API that is told of it names it. Null: not known. */
  readonly #publicHost: string | null

  /** @param publicUrl null: it is not known what clients ask by */
  constructor(upstreamUrl: string, publicUrl: string | null) {
    const url = new URL(upstreamUrl)
    this.base = url.pathname.replace(/\/+$/, '')
    this.#scheme = url.protocol.slice(0, -1)
    this.#host = hostOf(url.host, this.#scheme)
    this.#publicHost = publicUrl === null ? null : hostOfUrl(new URL(publicUrl))
  }

  /** `Location` and `Content-Location` (RFC 9110 sections 10.2.2 and 8.7) as the client is to see them. */
  rewritten(headers: HeaderList): HeaderList {
    if (!headers.some(([name]) => isPointer(name))) return headers
    return headers.map(([name, value]) => [name, isPointer(name) ? this.forClient(value) : value])
  }

  /** @param reference as the API sent it; one that leads elsewhere stays as it is */
  forClient(reference: string): string {
    if (reference.length > MAX_LENGTH) return reference
    const [start, scheme, authority] = ABSOLUTE.exec(reference) ?? []
    if (start !== undefined && !this.#isOwn(scheme, authority ?? '')) return reference
    if (start === undefined && !reference.startsWith('/')) return reference
    return this.#withoutBase(reference.slice(start?.length ?? 0)) ?? reference
  }

  /**
   * Also by plain HTTP where the API is asked by TLS: what ends TLS before it may not tell it so. Not the other way
   * round: an API that sends clients to TLS would send them in a circle.
   */
  #isOwn(scheme: string | undefined, authority: string): boolean {
    const named = scheme?.toLowerCase() ?? this.#scheme
    const host = hostOf(authority, named)
    if (host === this.#publicHost) return true
    if (host === this.#host) return named === this.#scheme
    const isPlain = named === 'http' && this.#scheme === 'https'
    return isPlain && `${authority.toLowerCase().replace(/:80$/, '')}:443` === this.#host
  }

  /** Null: it is not below the path of `upstream.url`. */
  #withoutBase(path: string): string | null {
    if (!path.startsWith(this.base)) return null
    const rest = path.slice(this.base.length)
    // guard: whole-segment
    if (this.base !== '' && rest !== '' && !'/?#'.includes(rest[0] as string)) return null
    // `//a` names a host, and browsers take `/\a` for the same (RFC 3986 section 4.2).
    // guard: no-new-authority
    if (/^\/[/\\]/.test(rest)) return `/.${rest}`
    return rest.startsWith('/') ? rest : `/${rest}`
  }
}

/** In lower case, with its port. */
function hostOf(authority: string, scheme: string): string {
  const host = authority.toLowerCase()
  return /:[0-9]{1,5}$/.test(host) ? host : `${host.replace(/:$/, '')}:${DEFAULT_PORT[scheme]}`
}

function hostOfUrl({ host, protocol }: URL): string {
  return hostOf(host, protocol.slice(0, -1))
}

function isPointer(name: string): boolean {
  return name === 'location' || name === 'content-location'
}

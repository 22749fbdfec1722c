/**
 * What a page of another site in an operator's browser may have of the operations listener: nothing. Metrics and the
 * dashboard ask for no token, so a browser that can reach the listener must not be made to read it for others:
 *
 * - A page whose name was made to resolve to this listener (DNS rebinding) is of the same origin to the browser. What
 *   gives it away is `Host`, which names the page's site.
 * - A page of another origin can't read answers, but can have them made: each opens an event stream. Browsers say so in
 *   `Sec-Fetch-Site` (Fetch Metadata Request Headers), which no page can set or leave out. They send it to origins that
 *   they trust by themselves, loopback among them. `same-site` is refused too: to a browser all ports of `localhost` are
 *   one site, and so is whatever else is served under the same registered domain.
 */
import { BlockList, isIP } from 'node:net'

export type BrowserRefusal = 'host_not_allowed' | 'foreign_page'

export interface HostRules {
  /** Whether only names of loopback are answered, apart from `hosts`. */
  readonly isLoopback: boolean
  /** Names and addresses that are answered too, in lower case, without port. On a listener that is not on loopback, none: any name. */
  readonly hosts: ReadonlySet<string>
}

export interface BrowserHeaders {
  readonly host?: string | undefined
  readonly 'sec-fetch-site'?: string | string[] | undefined
  readonly 'sec-fetch-mode'?: string | string[] | undefined
  readonly 'sec-fetch-dest'?: string | string[] | undefined
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8)
LOOPBACK.addAddress('::1', 'ipv6')

/** Host and optional port (RFC 9110 section 7.2); an IPv6 address stands in brackets. */
const HOST = /^(?:\[([0-9a-f:.]{2,45})\]|([^\s:/@[\]]{1,255}))(?::[0-9]{0,5})?$/i

/**
 * @param host address or name that the listener is bound to (`ops.host`)
 * @param hosts further names (`ops.hosts`)
 */
export function hostRules(host: string, hosts: readonly string[]): HostRules {
  return { isLoopback: isLoopbackName(plainName(host)), hosts: new Set(hosts.map(plainName)) }
}

/**
 * @param target as it stands in the request line
 * @returns null: the request may be answered
 */
export function browserRefusal(
  target: string,
  headers: BrowserHeaders,
  rules: HostRules,
): BrowserRefusal | null {
  // Left out only by what is no browser, in HTTP/1.0: Node refuses it in HTTP/1.1.
  // guard: own-host
  if (headers.host !== undefined && !isAllowedHost(headers.host, rules)) return 'host_not_allowed'
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return null
  // guard: own-pages
  return isFollowedLink(target, headers) ? null : 'foreign_page'
}

function isAllowedHost(header: string, { isLoopback, hosts }: HostRules): boolean {
  const [, bracketed, other] = HOST.exec(header) ?? []
  const host = plainName(bracketed ?? other ?? '')
  if (host === '') return false
  if (isLoopbackName(host) || hosts.has(host)) return true
  // No page has an address for its site that isn't its own.
  return !isLoopback && (hosts.size === 0 || isIP(host) !== 0)
}

/** A link to the dashboard that somebody has followed, in a tab of its own: the page as such has nothing to tell. */
function isFollowedLink(target: string, headers: BrowserHeaders): boolean {
  return (
    /^\/dashboard(?:\?|$)/.test(target) &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document'
  )
}

/** @param name plain */
function isLoopbackName(name: string): boolean {
  if (name === 'localhost') return true
  const family = isIP(name)
  return family !== 0 && LOOPBACK.check(name, family === 4 ? 'ipv4' : 'ipv6')
}

function plainName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

/**
 * Keys. Each is a sequence of length-prefixed parts, so that two different sequences never give
 * the same key, whatever characters the parts hold (reliability.md S4).
 *
 * ```
 *   key  = part*            part = <length in UTF-16 units> ":" <text>
 *   view          "v" tenant route version-form parameter*
 *   grant         "g" view partition
 *   representation"r" view scope digest        scope: "" or, when freshness is private, the partition
 *   admission     "a" tenant partition
 *   fences        "t" tenant | "s" tenant kind id | "f" tenant kind id | "n" tenant | "k" partition
 * ```
 *
 * In process memory the sequence itself is the key: nothing is gained by hashing it there, and
 * nothing leaks. A tier outside the process must put a keyed hash in its place.
 */
export type Key = string

/** Tells "no version header" from every explicit version: `-` is no version. */
const ABSENT = '-'

export function encodeParts(...parts: readonly string[]): Key {
  // Joined, and not added up: what is added up stays in pieces, each of them an object, for as long as it is
  // stored, and every comparison has to put them together.
  const encoded = new Array<string>(parts.length)
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as string
    // guard: key-lengths
    encoded[i] = `${part.length}:${part}`
  }
  return encoded.join('')
}

/** The parts of a key, back from `encodeParts`; of a text that is no key, those up to where it is none. */
export function partsOf(key: Key): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < key.length; ) {
    const colon = key.indexOf(':', at)
    const end = colon + 1 + Number(key.slice(at, colon))
    if (colon === -1 || !(end > colon)) break
    parts.push(key.slice(colon + 1, end))
    at = end
  }
  return parts
}

/** The tenant of a record's key: of any of those above but fences. */
export function tenantOf(key: Key): string {
  const [kind, first = ''] = partsOf(key)
  const isOfView = kind === 'g' || kind === 'r' || kind === 'c'
  return (isOfView ? partsOf(first)[1] : first) ?? ''
}

/** Every key begins with a part of one letter. */
const KIND_LENGTH = '1:k'.length

/** The tenant whose entries a fence guards; those of credentials are of none: `''`. */
export function tenantOfFence(fence: Key): string {
  if (isCredentialFence(fence)) return ''
  const colon = fence.indexOf(':', KIND_LENGTH)
  return fence.slice(colon + 1, colon + 1 + Number(fence.slice(KIND_LENGTH, colon)))
}

/** What a request asks for, whoever asks. */
export interface View {
  readonly tenant: string
  readonly route: string
  readonly params: readonly string[]
  /** The explicit `x-api-version`; null when the header was absent, which is a form of its own. */
  readonly version: string | null
}

export function viewKey(view: View): Key {
  return encodeParts('v', view.tenant, view.route, view.version ?? ABSENT, ...view.params)
}

export function grantKey(view: Key, partition: string): Key {
  return encodeParts('g', view, partition)
}

export function representationKey(view: Key, scope: string, digest: string): Key {
  // guard: digest-in-key
  return encodeParts('r', view, scope, digest)
}

/** Which representation of a view was last seen by anyone; only read when tenants share plainly. */
export function currentKey(view: Key): Key {
  return encodeParts('c', view)
}

/** The last known parent of a record, which a write that moves the record must know. */
export function lineageKey(tenant: string, kind: string, id: string): Key {
  return encodeParts('l', tenant, kind, id)
}

export function admissionKey(tenant: string, partition: string): Key {
  return encodeParts('a', tenant, partition)
}

/** Guards every entry of a tenant. */
export function tenantFence(tenant: string): Key {
  return encodeParts('t', tenant)
}

/** Guards the entries of one record. */
export function subjectFence(tenant: string, kind: string, id: string): Key {
  return encodeParts('s', tenant, kind, id)
}

/** Guards the entries of the records whose parent is this one. */
export function familyFence(tenant: string, kind: string, id: string): Key {
  return encodeParts('f', tenant, kind, id)
}

/**
 * Changes with every write in the tenant that changes a family fence. A fill learns only from its answer
 * whose child the record is; this tells it whether any family has changed since it started.
 */
export function kinFence(tenant: string): Key {
  return encodeParts('n', tenant)
}

/** Guards everything that was ever given to one credential. */
export function credentialFence(partition: string): Key {
  return encodeParts('k', partition)
}

export function isCredentialFence(name: Key): boolean {
  return name.startsWith('1:k')
}

/** The fence that guards at least as much, of which there are few: the tenant's. A credential's stays as it is. */
export function widenedFence(name: Key): Key {
  return isCredentialFence(name) ? name : tenantFence(tenantOfFence(name))
}

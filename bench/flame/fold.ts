/**
 * From a `.cpuprofile` to folded stacks, one line each: `outermost;…;innermost count`, as flamegraph.pl reads them.
 * Pure.
 */

/** What is used of a profile as V8 writes it. */
export type CpuProfile = {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      /** From 0. */
      readonly lineNumber: number
      readonly columnNumber: number
    }
    readonly children?: readonly number[]
  }[]
  /** Node of each sample; the counts are made of it. */
  readonly samples: readonly number[]
  /** Microseconds from the sample before, or from the start. */
  readonly timeDeltas: readonly number[]
}

/** Names of frames, outermost first, and how many samples ended there. */
export type Stacks = ReadonlyMap<string, number>

/** V8's own, without a file: what was on no stack of the program. */
const NOT_WORK: ReadonlySet<string> = new Set(['(idle)', '(program)'])

/**
 * `function file:line`. Files of the project are told from its root, packages from `node_modules`, Node's own as
 * they are; what is elsewhere by its last part only, since folders of a machine are nobody's business.
 */
export function frameName(
  { functionName, url, lineNumber }: Omit<CpuProfile['nodes'][number]['callFrame'], 'columnNumber'>,
  root: string,
): string {
  const name = functionName === '' ? '(anonymous)' : functionName
  // A semicolon ends a frame.
  const clean = (text: string): string => text.replaceAll(';', ':').replace(/\s+/g, ' ')
  return url === '' ? clean(name) : clean(`${name} ${fileOf(url, root)}:${lineNumber + 1}`)
}

function fileOf(url: string, root: string): string {
  if (url.startsWith('node:')) return url
  const path = url.replace(/^file:\/\//, '')
  const packages = path.lastIndexOf('/node_modules/')
  if (packages !== -1) return path.slice(packages + 1)
  if (path.startsWith(root)) return path.slice(root.length)
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Only what was sampled between two moments, in milliseconds from the profile's start. */
export function between(profile: CpuProfile, fromMs: number, toMs: number): CpuProfile {
  let microseconds = 0
  const samples = profile.samples.filter((_, i) => {
    microseconds += profile.timeDeltas[i] ?? 0
    return microseconds >= fromMs * 1000 && microseconds < toMs * 1000
  })
  return { ...profile, samples }
}

/** @param root the project's folder, with a slash at its end */
export function foldProfile({ nodes, samples }: CpuProfile, root: string): Stacks {
  const counts = new Map<number, number>()
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1)
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const stacks = new Map<string, number>()
  // V8 writes parents before their children, but nothing says that it has to.
  const visit = (id: number, above: string): void => {
    const node = byId.get(id)
    if (node === undefined) return
    const { functionName } = node.callFrame
    const frame = frameName(node.callFrame, root)
    const path = functionName === '(root)' ? '' : above === '' ? frame : `${above};${frame}`
    const count = counts.get(id) ?? 0
    if (count > 0 && path !== '' && !NOT_WORK.has(functionName)) {
      stacks.set(path, (stacks.get(path) ?? 0) + count)
    }
    for (const child of node.children ?? []) visit(child, path)
  }
  const children = new Set(nodes.flatMap((node) => node.children ?? []))
  for (const { id } of nodes) if (!children.has(id)) visit(id, '')
  return stacks
}

/**
 * Stacks with less than `share` of all samples count for what called them: no sample is lost. Those of the
 * outermost frames stay, however few.
 */
export function prune(stacks: Stacks, share: number): Stacks {
  const kept = new Map(stacks)
  const least = share * [...stacks.values()].reduce((sum, count) => sum + count, 0)
  const depth = (path: string): number => path.split(';').length
  // Deepest first: what a caller is given by one callee and what by another add up before it is judged.
  for (let level = Math.max(0, ...[...kept.keys()].map(depth)); level > 1; level -= 1) {
    for (const [path, count] of [...kept]) {
      if (count >= least || depth(path) !== level) continue
      const caller = path.slice(0, path.lastIndexOf(';'))
      kept.delete(path)
      kept.set(caller, (kept.get(caller) ?? 0) + count)
    }
  }
  return kept
}

/** Sorted, so that two files can be compared line by line. */
export function foldedText(stacks: Stacks): string {
  return [...stacks]
    .map(([path, count]) => `${path} ${count}\n`)
    .sort()
    .join('')
}

export type SelfTime = { readonly frame: string; readonly share: number }

/** The frames in which most samples ended, on whatever stack. */
export function topSelfTimes(stacks: Stacks, most: number): SelfTime[] {
  const own = new Map<string, number>()
  let total = 0
  for (const [path, count] of stacks) {
    const frame = path.slice(path.lastIndexOf(';') + 1)
    own.set(frame, (own.get(frame) ?? 0) + count)
    total += count
  }
  return [...own]
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([frame, count]) => ({ frame, share: count / total }))
}

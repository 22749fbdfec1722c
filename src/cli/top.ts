/** `layby top`: an instance, looked at once a second. */
import { setTimeout as sleep } from 'node:timers/promises'
import { figuresBetween } from '../ops/figures.ts'
import type { Snapshot } from '../ops/snapshot.ts'
import { AdminClient } from './admin-client.ts'
import { type Edges, fail } from './edges.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { type OpsTarget, type TargetOptions, targetOf } from './ops-target.ts'
import { hasColours, painted } from './paint.ts'
import { Terminal } from './terminal.ts'
import { TITLE_WIDTH, type TopView, topScreen } from './top-screen.ts'

export interface TopOptions extends TargetOptions {
  readonly once?: boolean
}

const INTERVAL_MS = 1_000
/** Rates are those of so many seconds: of one alone they would jump about. */
const WINDOW = 10
const PLAIN_SIZE = { columns: 80, rows: 60 }

export async function top(options: TopOptions, edges: Edges): Promise<ExitCode> {
  const target = targetOf(options, edges.sources)
  if ('failure' in target) return fail(edges, target.failure)
  const client = new AdminClient(target.value)
  const first = await client.snapshot()
  if ('failure' in first) return fail(edges, first.failure)
  const { stdout } = edges
  if (options.once !== true && stdout.isTTY) {
    await watch(target.value, client, first.value, edges)
    return EXIT.done
  }
  const view = viewOf(target.value, [first.value], null, false)
  stdout.write(
    `${topScreen(view, PLAIN_SIZE)
      .map(({ text }) => text)
      .join('\n')}\n`,
  )
  return EXIT.done
}

/** Of the time since the oldest; with one alone, since the process began. */
function viewOf(
  { base }: OpsTarget,
  snapshots: readonly Snapshot[],
  fault: string | null,
  isLive: boolean,
): TopView {
  const [oldest] = snapshots
  const newest = snapshots.at(-1) as Snapshot
  const earlier = oldest === undefined || oldest === newest ? null : oldest
  return { base, snapshot: newest, figures: figuresBetween(earlier, newest), fault, isLive }
}

async function watch(
  target: OpsTarget,
  client: AdminClient,
  first: Snapshot,
  edges: Edges,
): Promise<void> {
  const isColoured = hasColours(edges.stdout, edges.sources.environment)
  let snapshots = [first]
  let fault: string | null = null
  const draw = (): void => {
    const lines = topScreen(viewOf(target, snapshots, fault, true), terminal.size)
    terminal.draw(lines.map((line) => (isColoured ? painted(line, TITLE_WIDTH) : line.text)))
  }
  const terminal = new Terminal(edges, draw)
  terminal.open()
  try {
    draw()
    while (await elapsed(terminal.quit)) {
      const reply = await client.snapshot(terminal.quit)
      fault = 'failure' in reply ? reply.failure.line : null
      if ('value' in reply) snapshots = withNext(snapshots, reply.value)
      draw()
    }
  } finally {
    terminal.close()
  }
}

/** A process that has begun anew counts from zero: what was before it says nothing of it. */
function withNext(snapshots: readonly Snapshot[], next: Snapshot): Snapshot[] {
  const same = snapshots.filter(({ instance }) => instance === next.instance)
  return [...same.slice(-WINDOW), next]
}

/** @returns false at once when the operator leaves */
async function elapsed(quit: AbortSignal): Promise<boolean> {
  if (quit.aborted) return false
  return sleep(INTERVAL_MS, true, { signal: quit }).catch(() => false)
}

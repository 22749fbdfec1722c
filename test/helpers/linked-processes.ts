import { PrimaryLink } from '../../src/processes/link.ts'
import type { ToPrimary, ToWorker } from '../../src/processes/messages.ts'
import { Relay } from '../../src/processes/relay.ts'
import { LocalFences } from '../../src/stores/local-fences.ts'
import { ProcessFences } from '../../src/stores/process-fences.ts'
import type { FakeClock } from './clock.ts'

/** A worker as far as fences go, in this process. */
export interface LinkedProcess {
  readonly id: number
  readonly link: PrimaryLink
  readonly fences: ProcessFences
  /** What is on its way, oldest first. */
  readonly toPrimary: (() => void)[]
  readonly toWorker: (() => void)[]
}

export interface Echo {
  readonly give: () => void
  readonly isDue: () => boolean
}

export interface LinkedProcesses {
  readonly relay: Relay
  readonly processes: readonly LinkedProcess[]
  /** Echoes that wait for the primary to have read what lay in its channels. */
  readonly echoes: Echo[]
  readonly silent: number[]
  join(): LinkedProcess
  /** Delivers everything, and what follows from it. */
  settle(): void
  /** As timers do: every worker probes, the primary looks after those who wait; all is delivered. */
  tick(): void
}

/** Processes whose messages arrive when the test says so. */
export function linkProcesses(clock: FakeClock, count: number): LinkedProcesses {
  const echoes: Echo[] = []
  const silent: number[] = []
  const processes: LinkedProcess[] = []
  const relay = new Relay({
    clock,
    afterReading: (give) => {
      const lying = processes.flatMap(({ toPrimary }) => toPrimary)
      const isDue = (): boolean =>
        !processes.some(({ toPrimary }) => toPrimary.some((each) => lying.includes(each)))
      echoes.push({ give, isDue })
    },
    onSilent: (id) => void silent.push(id),
  })
  const join = (): LinkedProcess => {
    const id = processes.length + 1
    const toPrimary: (() => void)[] = []
    const toWorker: (() => void)[] = []
    const send = (message: ToPrimary, written: () => void): void => {
      written()
      toPrimary.push(() => relay.receive(id, message))
    }
    const link = new PrimaryLink({ clock, send })
    const fences = new ProcessFences(new LocalFences({ clock, maxFences: 1_000 }), link)
    link.onNews((news) => fences.received(news))
    relay.join(id, (message: ToWorker) => toWorker.push(() => link.receive(message)))
    const joined = { id, link, fences, toPrimary, toWorker }
    processes.push(joined)
    return joined
  }
  const settle = (): void => {
    for (;;) {
      const queues = processes.flatMap((each) => [each.toPrimary, each.toWorker])
      const queue = queues.find((each) => each.length > 0)
      if (queue !== undefined) queue.shift()?.()
      else if (echoes.length > 0) echoes.shift()?.give()
      else return
    }
  }
  for (let i = 0; i < count; i++) join()
  const tick = (): void => {
    for (const { link } of processes) link.tick()
    relay.tick()
    settle()
  }
  tick()
  return { relay, processes, echoes, silent, join, settle, tick }
}

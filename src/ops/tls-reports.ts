/** Files of TLS that were read anew: counted, and said. */
import type { Registry } from 'prom-client'
import type { Logger } from '../lib/logger.ts'
import type { TlsFile } from '../lib/tls-file.ts'
import { type Count, CounterFamily } from './instruments.ts'
import type { TlsReporter } from './reporting.ts'
import { forEachWord, TLS_RELOAD_RESULTS, type TlsReloadResult } from './vocabularies.ts'

export class TlsMetrics implements TlsReporter {
  readonly #counts: Readonly<Partial<Record<TlsFile, Readonly<Record<TlsReloadResult, Count>>>>>

  /** @param files that are configured: others have no series */
  constructor(registry: Registry, files: readonly TlsFile[]) {
    const family = new CounterFamily(registry, {
      name: 'layby_tls_reloads_total',
      help: 'Times that changed files of TLS were read anew: taken into use, or rejected, and those before stayed in use',
      labelNames: ['file', 'result'],
    })
    this.#counts = Object.fromEntries(
      files.map((file) => [
        file,
        forEachWord(TLS_RELOAD_RESULTS, (result) => family.series({ file, result })),
      ]),
    )
  }

  tlsReloaded(file: TlsFile, fault: string | null): void {
    const counts = this.#counts[file]
    if (counts !== undefined) counts[fault === null ? 'loaded' : 'rejected'].total++
  }
}

export class TlsLog implements TlsReporter {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  tlsReloaded(file: TlsFile, fault: string | null): void {
    if (fault === null) this.#log.info({ file }, 'tls files reloaded')
    else this.#log.error({ file, reason: fault }, 'tls files rejected: those before stay in use')
  }
}

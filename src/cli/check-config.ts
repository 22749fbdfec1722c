/** `layby check-config`: what `serve` would start with, and whether it would. */
import { ConfigError } from '../config/config-error.ts'
import { readAllFiles } from '../config/files.ts'
import { tryHost } from '../config/listen-fault.ts'
import { loadConfig } from '../config/load.ts'
import { configReport, reportLines } from './config-report.ts'
import { type Edges, fail, writeJson } from './edges.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

export interface CheckConfigOptions {
  readonly json?: boolean
}

export async function checkConfig(
  { json = false }: CheckConfigOptions,
  edges: Edges,
): Promise<ExitCode> {
  try {
    const loaded = loadConfig(edges.sources)
    readAllFiles(loaded.config)
    const { server, ops } = loaded.config
    await tryHost('server', server.host)
    await tryHost('ops', ops.host)
    const report = configReport(loaded, edges.sources)
    if (json) writeJson(edges, { valid: true, ...report })
    else edges.stdout.write(`${reportLines(report).join('\n')}\n`)
    return EXIT.done
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { key, message } = error
    if (json) writeJson(edges, { valid: false, key, reason: message.slice(`${key}: `.length) })
    const line = `configuration: ${message}`
    return fail(edges, { exitCode: EXIT.configuration, line })
  }
}

/** Frames of what `tsc` has written, told by the lines of the sources that it was made of. */
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { CpuProfile } from './fold.ts'

type Frame = CpuProfile['nodes'][number]['callFrame']

const maps = new Map<string, SourceMap | null>()

function mapOf(url: string): SourceMap | null {
  const known = maps.get(url)
  if (known !== undefined) return known
  const file =
    url.startsWith('file:') && !url.includes('/node_modules/') ? fileURLToPath(url) : null
  const has = file !== null && existsSync(`${file}.map`)
  const made = has ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))) : null
  maps.set(url, made)
  return made
}

function inSource(frame: Frame): Frame {
  const entry = mapOf(frame.url)?.findEntry(frame.lineNumber, frame.columnNumber)
  if (entry === undefined || !('originalSource' in entry)) return frame
  const { href } = new URL(entry.originalSource, frame.url)
  return { ...frame, url: href, lineNumber: entry.originalLine }
}

export function inSources(profile: CpuProfile): CpuProfile {
  const nodes = profile.nodes.map((node) => ({ ...node, callFrame: inSource(node.callFrame) }))
  return { ...profile, nodes }
}

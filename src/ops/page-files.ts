/**
 * The files of the dashboard's page, read once at the start: its own from `assets/dashboard/`, the chart
 * library from its package, and the pure modules that the page shares with the server. No path is ever made of
 * what a client sends: a name is known, or it is not.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname } from 'node:path'

export interface PageFile {
  readonly contentType: string
  readonly etag: string
  readonly body: Buffer
}

/** From `dist/src/ops/` and from `.build/src/ops/` alike. */
const ASSETS = new URL('../../../assets/dashboard/', import.meta.url)
const CHARTS = new URL('.', import.meta.resolve('uplot'))
const CHART_FILES = [
  ['uplot.js', 'uPlot.esm.js'],
  ['uplot.css', 'uPlot.min.css'],
] as const
/** Compiled, next to this file; they import nothing but one another. */
const SHARED = [
  'figures.js',
  'findings.js',
  'instance-findings.js',
  'points.js',
  'verdict.js',
  'words.js',
]

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** Name → file. @throws when one can't be read: the installation is not complete */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  const add = (name: string, from: URL): void => {
    const contentType = CONTENT_TYPES[extname(name)]
    if (contentType !== undefined) files.set(name, pageFile(contentType, readFileSync(from)))
  }
  for (const name of readdirSync(ASSETS)) add(name, new URL(name, ASSETS))
  for (const name of SHARED) add(name, new URL(name, import.meta.url))
  for (const [name, original] of CHART_FILES) add(name, new URL(original, CHARTS))
  return files
}

function pageFile(contentType: string, body: Buffer): PageFile {
  const digest = createHash('sha256').update(body).digest('base64url')
  return { contentType, etag: `"${digest.slice(0, 22)}"`, body }
}

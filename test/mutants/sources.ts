/** Which files have guards, as they are written and as they are run. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { markersIn } from './markers.ts'

export interface Place {
  /** Below the root of the repository; what is run, and changed for a mutant. */
  readonly file: string
  /** As it is written. */
  readonly source: string
}

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

/**
 * Every marker below `src/` and `deploy/`, with its place.
 *
 * @throws Error when two have the same name
 */
export function guardPlaces(root: string): ReadonlyMap<string, Place> {
  const sources = [
    ...filesBelow(join(root, 'src'), /\.ts$/),
    ...filesBelow(join(root, 'deploy'), /\.(yaml|yml|conf|sh)$/),
  ]
  const places = new Map<string, Place>()
  for (const path of sources) {
    const source = relative(root, path)
    const file = source.endsWith('.ts') ? `.build/${source.replace(/\.ts$/, '.js')}` : source
    for (const name of markersIn(readFileSync(path, 'utf8'))) {
      if (places.has(name)) throw new Error(`guard ${name}: two markers`)
      places.set(name, { file, source })
    }
  }
  return places
}

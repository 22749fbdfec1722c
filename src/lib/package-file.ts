/** What `package.json` says of this build. */
import { readFileSync } from 'node:fs'

interface PackageFile {
  readonly version: string
  readonly runbooks: string
}

export function version(): string {
  return packageFile().version
}

/** URL of the page whose sections, the headings of `docs/operations.md`, are the runbooks that alerts name. */
export function runbooksUrl(): string {
  return packageFile().runbooks
}

function packageFile(): PackageFile {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return JSON.parse(text) as PackageFile
}

/** Where the runbooks of this build are: `runbooks` of `package.json`, as alerts have it. */
import { readFileSync } from 'node:fs'

/** URL of the page; its sections are the headings of `docs/operations.md`. */
export function runbooksUrl(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly runbooks: string }).runbooks
}

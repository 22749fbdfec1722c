/** The table of `docs/security.md`, read. */

export interface Row {
  readonly threat: string
  /** Names below `test/`, without `.test.ts`. */
  readonly tests: readonly string[]
  /** Names of markers. */
  readonly guards: readonly string[]
}

const HEAD = '| threat | what stands against it | guarded by | guards |'

export function rowsOf(page: string): Row[] {
  const lines = page.split('\n')
  const head = lines.indexOf(HEAD)
  if (head === -1) throw new Error(`docs/security.md has no table with the head ${HEAD}`)
  const rest = lines.slice(head + 2)
  const length = rest.findIndex((line) => !line.startsWith('|'))
  return rest.slice(0, length).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    const [threat = '', , tests = '', guards = ''] = cells
    if (cells.length !== 4) throw new Error(`docs/security.md: ${cells.length} cells: ${line}`)
    return { threat: threat.trim(), tests: quoted(tests), guards: quoted(guards) }
  })
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text as string)
}

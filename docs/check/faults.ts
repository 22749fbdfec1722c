/** What a page says and what is so: one difference. */
export interface Fault {
  /** Path of the page from the root of the repository. */
  readonly page: string
  /** From 1. */
  readonly line: number
  readonly claimed: string
  readonly came: string
}

export function faultText({ page, line, claimed, came }: Fault): string {
  return `${page}:${line}\n  claimed: ${indented(claimed)}\n  came:    ${indented(came)}`
}

const indented = (text: string): string => text.trimEnd().split('\n').join('\n           ')

/** Colours, which only ever repeat what the words say. */

/** `title`: the first columns of the line are its title. */
export type Tone = 'plain' | 'title' | 'good' | 'watch' | 'bad'

export interface ToneLine {
  readonly text: string
  readonly tone: Tone
}

const ESCAPE = '\u001b['
const RESET = `${ESCAPE}0m`
const CODES: Readonly<Record<Exclude<Tone, 'plain' | 'title'>, string>> = {
  good: `${ESCAPE}32m`,
  watch: `${ESCAPE}33m`,
  bad: `${ESCAPE}1;31m`,
}

/** @param titleWidth columns of a title */
export function painted({ text, tone }: ToneLine, titleWidth: number): string {
  if (tone === 'plain') return text
  if (tone !== 'title') return `${CODES[tone]}${text}${RESET}`
  return `${ESCAPE}1m${text.slice(0, titleWidth)}${RESET}${text.slice(titleWidth)}`
}

/** https://no-color.org, and terminals that have none. */
export function hasColours(
  { isTTY }: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR = '', TERM = '' } = environment
  return isTTY === true && NO_COLOR === '' && TERM !== 'dumb'
}

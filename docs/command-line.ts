/** `docs/command-line.md`, made of what `layby --help` and the help of each command print. */
import { buildProgram } from '../src/cli/program.ts'

const INTRODUCTION = `# The command line

Generated from the commands' own help texts (\`src/cli/\`) by \`npm run docs:generate\`.

From a checkout, \`npm ci && npm run build\` once, and then \`npm run layby -- top\`, or \`npm run --silent layby -- …\` where other programs read
what is printed; in the image \`layby …\`. Not by npx: outside a checkout it would run whatever a public registry has under that name, with the
admin token in its environment. Commands that ask a running instance find it by the same configuration as the server:
on its own machine, or in its container, they need no options.
`

const none = (): Promise<void> => Promise.resolve()

/** The program as documents and tests see it: 80 columns, nothing is run. */
export function documentedProgram(out: (text: string) => void): ReturnType<typeof buildProgram> {
  const actions = new Proxy({} as Parameters<typeof buildProgram>[1], { get: () => none })
  return buildProgram('0.0.0', actions, { out, err: out, width: 80 })
}

/** Name → what `--help` prints; the program itself under the empty name. */
export function helpTexts(): Map<string, string> {
  const texts = new Map<string, string>()
  for (const name of ['', ...documentedProgram(() => {}).commands.map((each) => each.name())]) {
    let text = ''
    const program = documentedProgram((part) => {
      text += part
    })
    try {
      program.parse(name === '' ? ['--help'] : [name, '--help'], { from: 'user' })
    } catch {
      // Help ends with an exception where the process would end.
    }
    texts.set(name, text)
  }
  return texts
}

export function commandLinePage(): string {
  const sections = [...helpTexts()].map(
    ([name, text]) =>
      `\n## \`layby${name === '' ? '' : ` ${name}`}\`\n\n\`\`\`text\n${text.trim()}\n\`\`\`\n`,
  )
  return INTRODUCTION + sections.join('')
}

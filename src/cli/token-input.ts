/** A client's token from standard input: on a command line it would stay in histories and process lists. */
import type { AdminClient } from './admin-client.ts'
import type { Edges } from './edges.ts'
import { EXIT, type Result } from './exit-codes.ts'
import type { CredentialReply } from './replies.ts'

/** Longer than any token that the API takes. */
const MAX_BYTES = 4_096

/** Asks the instance for the hash under which it knows the token on standard input. */
export async function credentialOfStdin(
  { stdin }: Pick<Edges, 'stdin'>,
  client: AdminClient,
): Promise<Result<CredentialReply>> {
  if (stdin.isTTY) return bad('standard input is a terminal: send the token from a file or a pipe')
  let text = ''
  for await (const chunk of stdin.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > MAX_BYTES) return bad(`more than ${MAX_BYTES} bytes: send the token alone`)
  }
  const token = text.replace(/\r?\n$/, '')
  if (token === '') return bad('nothing came: send the token')
  if (/^bearer /i.test(token)) return bad('send the token alone, without the word Bearer')
  if (!/^[\x21-\x7e]+$/.test(token)) return bad('a token is one line of visible ASCII characters')
  return client.credential(token)
}

function bad(reason: string): Result<CredentialReply> {
  return { failure: { exitCode: EXIT.usage, line: `--token-stdin: ${reason}` } }
}

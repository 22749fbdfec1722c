import t from 'tap'
import type { AdminClient } from '../../../src/cli/admin-client.ts'
import { credentialOfStdin } from '../../../src/cli/token-input.ts'

t.test('a token is not read from a terminal, where it would be seen', async (t) => {
  const stdin = { isTTY: true } as NodeJS.ReadStream
  const client = { credential: () => t.fail('nothing is asked') } as unknown as AdminClient
  const result = await credentialOfStdin({ stdin }, client)
  t.match(result, { failure: { exitCode: 64, line: /standard input is a terminal/ } })
})

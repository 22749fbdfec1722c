/**
 * Everything that takes apart text from outside: of clients, of the upstream, of Redis, of operators. One list for
 * the test that its time is linear (`test/unit/worst-input.test.ts`), for the bench that says how long it takes
 * (`npm run bench:worst-input`), and for the test that no file takes text apart without standing here.
 */
import { CLIENT_PARSERS } from './client-parsers.ts'
import { REQUEST_HEAD_PARSERS } from './head-parsers.ts'
import type { Parser } from './parser.ts'
import { STORE_PARSERS } from './store-parsers.ts'
import { UPSTREAM_PARSERS } from './upstream-parsers.ts'

export const PARSERS: readonly Parser[] = [
  ...REQUEST_HEAD_PARSERS,
  ...CLIENT_PARSERS,
  ...UPSTREAM_PARSERS,
  ...STORE_PARSERS,
]

/** Files below `src/` that take text apart, and none that a stranger chooses; each with whose text it is. */
export const OWN_TEXT_ONLY: Readonly<Record<string, string>> = {
  'auth/credentials.ts': 'a credential that has passed, of 256 characters at most',
  'auth/partition.ts': 'a credential that has passed, of 256 characters at most',
  'auth/sealing.ts': 'a credential that has passed, of 256 characters at most',
  'cache/explained-records.ts': 'names of fences, by cache/key.ts',
  'http/problem-answer.ts': 'names of fields in the catalogue',
  'http/methods.ts': 'a list of its own',
  'lib/logger.ts': 'a time of its own',
  'lib/package-file.ts': 'a file of its own',
  'ops/explain.ts': 'a status of its own',
  'ops/exposition.ts': 'names and labels of metrics, of closed vocabularies',
  'ops/words.ts': 'words of closed vocabularies',
  'processes/overview.ts': 'what the processes of one instance say to each other',
  'lib/send-queues.ts': 'what the kernel lists',
  'lib/redis-address.ts': 'the configuration',
  'stores/redis-clients.ts': 'the configuration',
  'upstream/failure-causes.ts': 'codes and fixed texts of Node and OpenSSL',
  'upstream/peer-certificate.ts': 'a time as OpenSSL writes it, of a certificate that was accepted',
  'stores/redis-keys.ts': 'names of fences, by cache/key.ts',
  'stores/shared-switches.ts': 'ids of tenants, and its replace is no text’s',
  'stores/bus-envelope.ts': 'what was sealed by an instance with the same secret',
}

/** Guards of operators, their page and their configuration. */
import type { Guard } from '../guards.ts'

export const OPERATIONS_GUARDS: readonly Guard[] = [
  {
    name: 'broken-tls-file',
    cuts: [['!(error instanceof ConfigError)', 'true']],
    tests: [{ file: 'integration/tls-reloads', title: 'serve the next handshake' }],
  },
  {
    name: 'series-bound',
    cuts: [['this.#requests.size < MAX_COMBINATIONS', 'true']],
    tests: [{ file: 'integration/bounded-series' }],
  },
  {
    name: 'admin-token',
    cuts: [['isSame && token !== undefined', 'token !== undefined']],
    tests: [{ file: 'integration/admin-closed', title: 'whoever has not the token' }],
  },
  {
    name: 'admin-token-length',
    cuts: [['{16,}', '{1,}']],
    tests: [{ file: 'unit/config/bad-configurations' }],
  },
  {
    name: 'page-policy',
    cuts: [["default-src 'none'; script-src 'self';", 'default-src *;']],
    tests: [{ file: 'integration/dashboard-routes', title: 'under a policy' }],
  },
  {
    name: 'dashboard-listeners',
    cuts: [['this.#listeners.size < MAX_LISTENERS', 'true']],
    tests: [
      { file: 'integration/dashboard-routes', title: 'listeners are bounded' },
      { file: 'unit/ops/event-stream', title: 'the oldest listener without the token' },
    ],
  },
  {
    name: 'token-keeps-place',
    cuts: [['if (isOperator)', 'if (false)']],
    tests: [
      { file: 'integration/ops-browsers', title: 'an instance of one process' },
      { file: 'unit/ops/event-stream', title: 'the oldest listener without the token' },
    ],
  },
  {
    name: 'own-host',
    cuts: [['headers.host !== undefined', 'false']],
    tests: [
      { file: 'integration/ops-browsers', title: 'no page from elsewhere' },
      { file: 'unit/ops/browser-rules', title: 'only names of loopback' },
    ],
  },
  {
    name: 'own-pages',
    cuts: [['isFollowedLink(target, headers)', 'true']],
    tests: [
      { file: 'integration/ops-browsers', title: 'no page from elsewhere' },
      { file: 'unit/ops/browser-rules', title: 'for pages from elsewhere' },
    ],
  },
  {
    name: 'no-redirect-of-token',
    cuts: [["redirect: 'manual'", "redirect: 'follow'"]],
    tests: [{ file: 'integration/cli', title: 'what goes wrong' }],
  },
  {
    name: 'token-after-port',
    cuts: [['failure !== null', 'false']],
    tests: [{ file: 'integration/cli', title: 'a token is sent to an operations port' }],
  },
  {
    name: 'log-bound',
    cuts: [['this.#waitingBytes + bytes.length > this.#maxWaitingBytes', 'false']],
    tests: [{ file: 'unit/lib/log-output', title: 'lines beyond the bound' }],
  },
  {
    name: 'log-end',
    cuts: [['!isBusy(error) || this.#now() >= end', 'false']],
    tests: [{ file: 'unit/lib/log-output', title: 'the end of a process', seconds: 30 }],
  },
  {
    name: 'secret-is-text',
    cuts: [['text.includes(REPLACEMENT)', 'false']],
    tests: [{ file: 'unit/config/secret-files', title: 'a file that will not do' }],
  },
  {
    name: 'terminal-orders',
    cuts: [["text.replace(CONTROLS, ' ')", 'text']],
    tests: [{ file: 'integration/cli', title: 'what goes wrong' }],
  },
  {
    name: 'one-schema',
    cuts: [['error !== undefined', 'false']],
    tests: [
      { file: 'unit/config/bad-configurations', title: 'each names its key' },
      { file: 'integration/process', title: 'a bad configuration is one line', seconds: 45 },
    ],
  },
  {
    name: 'patient-probe',
    cuts: [['failureThreshold: 3', 'failureThreshold: 1']],
    tests: [{ file: 'unit/deploy/kubernetes', title: 'P3' }],
  },
  {
    name: 'patient-health-check',
    cuts: [['retries: 3', 'retries: 1']],
    tests: [{ file: 'unit/deploy/compose', title: 'P3' }],
  },
  {
    name: 'no-messages-in-logs',
    cuts: [
      ['stack.slice(at + message.length)', 'stack'],
      ['FRAME.test(line)', 'true'],
    ],
    tests: [{ file: 'unit/lib/fault-fields' }],
  },
  {
    name: 'audit-line',
    cuts: [['this.#log.info', '(() => {})']],
    tests: [{ file: 'integration/admin-closed', title: 'whoever has not the token' }],
  },
  {
    name: 'redis-url',
    cuts: [["url.search !== '' || url.hash !== ''", 'false']],
    tests: [{ file: 'unit/lib/redis-address' }],
  },
  {
    name: 'routes-not-paths',
    cuts: [['route,', 'route: arguments[0].path ?? route,']],
    tests: [{ file: 'integration/tracing', title: 'nothing personal' }],
  },
  {
    name: 'ops-on-loopback',
    cuts: [["'127.0.0.1'", "'0.0.0.0'"]],
    tests: [{ file: 'unit/config/config', title: 'with their defaults' }],
  },
]

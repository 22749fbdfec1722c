/** Guards between this process, Redis, and the instances that share it. */
import type { Guard } from '../guards.ts'

export const REDIS_GUARDS: readonly Guard[] = [
  {
    name: 'seal-by-token',
    cuts: [["'credential', tenant, token", "'credential', tenant"]],
    tests: [{ file: 'unit/auth/credentials' }],
  },
  {
    name: 'frame-authentic',
    cuts: [['decipher.final()', '']],
    tests: [{ file: 'unit/cache/frame', title: 'does not open' }],
  },
  {
    name: 'frame-in-place',
    cuts: [['Buffer.concat([head, Buffer.from(associated)])', 'head']],
    tests: [
      { file: 'unit/cache/frame', title: 'does not open' },
      { file: 'integration/redis-secrecy', title: 'a value that was swapped' },
    ],
  },
  {
    name: 'sealing-time',
    cuts: [
      ['!(ageMs >= -CLOCK_ERROR_MS && boundMs > 0)', 'false'],
      ['keptMs, boundMs', 'keptMs'],
    ],
    tests: [
      { file: 'unit/stores/record-frames' },
      { file: 'integration/redis-rollback', title: 'are not revived' },
    ],
  },
  {
    name: 'partition-is-keyed',
    cuts: [
      ["createHmac('sha256', this.#secret).update(token, 'latin1').digest('base64url')", 'token'],
    ],
    tests: [{ file: 'integration/operations', title: 'a token appears nowhere' }],
  },
  {
    name: 'second-error',
    cuts: [["stream?.on('error', () => { })", '']],
    tests: [{ file: 'integration/redis-topologies', title: 'not ended by a second error' }],
  },
  {
    name: 'redis-server-name',
    cuts: [['isIP(host) === 0', 'false']],
    tests: [{ file: 'integration/redis-settings', title: 'TLS is told the name' }],
  },
  {
    name: 'redis-replica',
    cuts: [['!isReplica(info)', 'true']],
    tests: [{ file: 'integration/redis-settings', title: 'a replica is told of once' }],
  },
  {
    name: 'redis-database',
    cuts: [['client.disconnect(true)', '']],
    tests: [{ file: 'integration/redis-settings', title: 'not database 0' }],
  },
  {
    name: 'bus-of-database',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the code
    cuts: [[':${this.#database}`', '`']],
    tests: [{ file: 'integration/redis-settings', title: 'what one database is told' }],
  },
  {
    name: 'keyed-names',
    cuts: [['sealedName(secret, key)', 'key']],
    tests: [{ file: 'integration/redis-secrecy', title: 'neither a dump' }],
  },
  {
    name: 'redis-certificate',
    cuts: [
      ['settings.ca === null ? {} : authoritiesOf(settings)', '{ rejectUnauthorized: false }'],
    ],
    tests: [{ file: 'integration/redis-topologies', title: 'the certificate is verified' }],
  },
  {
    name: 'shared-pending',
    cuts: [['this.#pending.isPending(name)', 'false']],
    tests: [{ file: 'unit/stores/fence-table', title: 'while a write is under way' }],
  },
  {
    name: 'secret-names',
    cuts: [['key === null', 'true']],
    tests: [{ file: 'integration/redis-names', title: 'nobody can try out' }],
  },
  {
    name: 'bounded-message',
    cuts: [['bytes.length > MAX_MESSAGE_BYTES', 'false']],
    tests: [{ file: 'unit/stores/bus-envelope', title: 'too long is not opened' }],
  },
  {
    name: 'message-shape',
    cuts: [['isEnvelope(value)', 'true']],
    tests: [{ file: 'unit/stores/bus-envelope', title: 'no envelope is unknown' }],
  },
  {
    name: 'same-names',
    cuts: [['names === keys.fingerprint', 'true']],
    tests: [{ file: 'integration/redis-names', title: 'with different names' }],
  },
  {
    name: 'messages-in-order',
    cuts: [['number <= last', 'false']],
    tests: [{ file: 'integration/redis-names', title: 'put back is not applied' }],
  },
  {
    name: 'later-switch',
    cuts: [['setAt > known[2]', 'true']],
    tests: [
      { file: 'unit/stores/switch-register', title: 'all come to know the same' },
      { file: 'integration/tenant-switch', title: 'switched on stays on' },
    ],
  },
  {
    name: 'switches-put-back',
    cuts: [['this.#register.missingFrom(listed)', '[]']],
    tests: [{ file: 'integration/tenant-switch', title: 'what Redis has lost' }],
  },
  {
    name: 'switches-asked-for',
    cuts: [['await this.#options.bus.publish({ asksSwitches: true })', '']],
    tests: [{ file: 'integration/tenant-switch', title: 'asks the others' }],
  },
  {
    name: 'block-asked-for',
    cuts: [['this.#options.ask(instance)', '']],
    tests: [{ file: 'unit/stores/pending-invalidations', title: 'a block that was lost' }],
  },
  {
    name: 'block-taken-over',
    cuts: [['adopt(names)', '']],
    tests: [{ file: 'unit/stores/pending-invalidations', title: 'whoever has heard of a block' }],
  },
  {
    name: 'accounted-for',
    cuts: [['!this.#isAccounted', 'false']],
    tests: [{ file: 'integration/redis-half-working', title: 'NOREPLICAS' }],
  },
  {
    name: 'epoch-raised',
    cuts: [['verdict.mustRaise', 'false']],
    tests: [{ file: 'integration/redis-half-working', title: 'a writer that ends' }],
  },
  {
    name: 'stands-still',
    cuts: [['!isCounting && isLate', 'false']],
    tests: [{ file: 'unit/stores/roster', title: 'stands still' }],
  },
  {
    name: 'told-again',
    cuts: [['!(await this.#options.tell(key, value))', 'true']],
    tests: [{ file: 'unit/stores/repeated', title: 'has not taken' }],
  },
  {
    name: 'pins-after-gap',
    cuts: [['options.onPinsMissed()', '']],
    tests: [{ file: 'integration/redis-half-working', title: 'who was deaf' }],
  },
  {
    name: 'refused-ping',
    cuts: [['!isRefusal(error)', 'true']],
    tests: [{ file: 'integration/redis-half-working', title: 'refuses even to be asked' }],
  },
  {
    name: 'fill-lock-wait',
    cuts: [['clock.monotonic() - waiter.since >= maxWaitMs', 'false']],
    tests: [{ file: 'integration/redis-hostile-values', title: 'keeps taking' }],
  },
  {
    name: 'fill-lock-end',
    cuts: [["redis.call('PTTL', key) >= 0", 'true']],
    tests: [{ file: 'integration/redis-hostile-values', title: 'nobody holds' }],
  },
  {
    name: 'bounded-words',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of the code
    cuts: [['bounded(KEYS[2], ${MAX_WORD_BYTES})', 'bounded(KEYS[2], 1e12)']],
    tests: [{ file: 'integration/redis-hostile-values', title: 'are not read' }],
  },
]

/** Guards between a client's bytes and the cache. */
import type { Guard, TestRun } from '../guards.ts'

const HOSTILE: TestRun = { file: 'integration/hostile-input', title: 'what is doubtful' }

export const REQUEST_GUARDS: readonly Guard[] = [
  {
    name: 'tenant-form',
    cuts: [['isCanonicalId(value)', 'true']],
    tests: [HOSTILE],
  },
  {
    name: 'one-line-each',
    cuts: [['fields[single] !== null', 'false']],
    tests: [HOSTILE],
  },
  {
    name: 'header-lookalikes',
    cuts: [['/[_.]/.test(name)', 'false']],
    tests: [HOSTILE],
  },
  {
    name: 'connection-options',
    cuts: [['!hasOnlyKnownOptions(value)', 'false']],
    tests: [HOSTILE],
  },
  {
    name: 'request-allow-list',
    cuts: [['!PASSED_ON.has(name)', 'false']],
    tests: [
      { file: 'integration/desync', title: 'overriding headers' },
      { file: 'unit/upstream/headers' },
    ],
  },
  {
    name: 'sound-framing',
    cuts: [['!isSoundFraming(line, fields)', 'false']],
    tests: [HOSTILE],
  },
  {
    name: 'doubt-ends-connection',
    cuts: [['closes || hasContent(req)', 'false']],
    tests: [{ file: 'integration/desync', title: 'the corpus' }],
  },
  {
    name: 'refused-methods',
    cuts: [['isRefusedMethod(line.method)', 'false']],
    tests: [HOSTILE],
  },
  {
    name: 'reported-methods',
    cuts: [['REPORTED.has(method)', 'true']],
    tests: [{ file: 'integration/methods', title: 'is one in the log' }],
  },
  {
    name: 'strict-grammar',
    cuts: [['DOUBTFUL.test(lines)', 'false']],
    tests: [
      { file: 'unit/wire/head', title: 'left to Node' },
      { file: 'integration/fast-path-parsers', env: { WIRE_MUTATIONS: '20000' } },
    ],
  },
  {
    name: 'bytes-are-copied',
    cuts: [['Buffer.from(buffer.subarray(0, length))', 'buffer.subarray(0, length)']],
    tests: [{ file: 'unit/wire/input', title: 'after it was stopped' }],
  },
  {
    name: 'plain-path',
    cuts: [['!PLAIN_PATH.test(path) || EMPTY_OR_DOT_SEGMENT.test(path)', 'false']],
    tests: [HOSTILE, { file: 'unit/http/target' }],
  },
  {
    name: 'path-encoding',
    cuts: [['BAD_ENCODING.test(path)', 'false']],
    tests: [HOSTILE, { file: 'unit/http/target' }],
  },
  {
    name: 'slow-heads',
    cuts: [['headersTimeout: 10_000', 'headersTimeout: 0']],
    tests: [{ file: 'integration/slow-clients' }],
  },
  {
    name: 'waiting-bytes',
    cuts: [['this.#text.length > MAX_WAITING_BYTES', 'false']],
    tests: [{ file: 'unit/wire/connection', title: 'requests that wait' }],
  },
  {
    name: 'unread-answer',
    cuts: [['this.#look - since > LOOKS', 'false']],
    tests: [
      { file: 'integration/unread-answers', title: 'passes through is given up' },
      { file: 'unit/http/reader-watch', title: 'takes nothing' },
    ],
  },
  {
    name: 'acknowledged-bytes',
    cuts: [['stall.queued !== queued', 'false']],
    tests: [{ file: 'unit/http/reader-watch', title: 'the other side acknowledges' }],
  },
  {
    name: 'shedding',
    cuts: [['!this.#deps.isOverloaded()', 'true']],
    tests: [{ file: 'integration/pressure' }],
  },
  {
    name: 'admin-closed',
    cuts: [['ADMIN.test(head.path)', 'false']],
    tests: [{ file: 'integration/admin-closed', title: 'on the public port' }],
  },
  {
    name: 'fault-costs-request',
    cuts: [['deps.reporter.faulted(error, NO_REQUEST_ID)', 'throw error']],
    tests: [
      {
        file: 'integration/errors-upstream',
        title: 'a fault before anything is awaited',
        env: { FAST_PATH: 'off' },
      },
    ],
  },
  {
    name: 'fault-costs-connection',
    cuts: [['this.#deps.reporter.faulted(error, NO_REQUEST_ID)', 'throw error']],
    tests: [{ file: 'integration/errors-upstream', title: 'a fault before anything is awaited' }],
  },
  {
    name: 'socket-errors',
    cuts: [["server.prependListener('connection', keepErrorListener)", '']],
    tests: [
      { file: 'integration/socket-resets' },
      { file: 'unit/lib/http-server', title: 'hears of its errors' },
    ],
  },
  {
    name: 'ignored-upgrade',
    cuts: [["'latin1'), rest]", "'latin1')]"]],
    tests: [{ file: 'integration/upgrade-ignored', title: 'are answered in order' }],
  },
  {
    name: 'linger-ends',
    cuts: [['!socket.destroyed', 'false']],
    tests: [{ file: 'unit/lib/lingering', title: 'ends in time' }],
  },
  {
    name: 'proxy-header-length',
    cuts: [['length > MAX_VARIABLE_BYTES', 'false']],
    tests: [{ file: 'unit/lib/proxy-protocol', title: 'is invalid' }],
  },
  {
    name: 'proxy-header-required',
    cuts: [["read.kind === 'invalid'", 'false']],
    tests: [{ file: 'integration/proxy-protocol', title: 'is closed unanswered' }],
  },
  {
    name: 'first-byte-time',
    cuts: [['close, timeoutMs', 'close, 600_000']],
    tests: [{ file: 'unit/lib/plain-on-tls', title: 'nothing comes', seconds: 30 }],
  },
  {
    name: 'proxy-header-time',
    cuts: [['HEADER_MS', '600_000']],
    tests: [{ file: 'integration/proxy-protocol', title: 'is closed in time', seconds: 60 }],
  },
  {
    name: 'slow-content',
    cuts: [['this.#onLate(request)', '{}']],
    tests: [
      { file: 'unit/http/content-watch', title: 'is late after' },
      { file: 'integration/slow-uploads', title: 'stops coming' },
    ],
  },
  {
    name: 'lingering-close',
    cuts: [['socket.resume()', 'socket.destroySoon()']],
    tests: [{ file: 'integration/refusals', title: 'a refusal reaches a client' }],
  },
  {
    name: 'held-content',
    cuts: [['!memory.take(growth, sender)', 'true']],
    tests: [
      { file: 'integration/held-writes', title: 'changes nothing' },
      { file: 'unit/http/content', title: 'content is held until it is whole' },
    ],
  },
  {
    name: 'byte-has-left',
    cuts: [['this.#question.onSend?.()', 'void 0']],
    tests: [{ file: 'integration/request-sent' }],
  },
  {
    name: 'unsent-write',
    cuts: [['!isSent', 'false']],
    tests: [{ file: 'integration/unsent-writes' }, { file: 'unit/cache/invalidation' }],
  },
  {
    name: 'write-limit',
    cuts: [['isInDoubt(outcome)', 'false']],
    tests: [{ file: 'integration/write-limit' }],
  },
  {
    name: 'writes-under-way',
    cuts: [['this.#doubts.length + this.#underWay < MAX_IN_DOUBT', 'true']],
    tests: [{ file: 'unit/http/write-limit' }],
  },
  {
    name: 'held-share',
    cuts: [['this.#maxBytes * UNACCEPTED_SHARE', 'this.#maxBytes']],
    tests: [
      { file: 'integration/held-writes', title: 'takes half of the memory' },
      { file: 'unit/http/content', title: 'half of the memory is kept' },
    ],
  },
  {
    name: 'tenant-held-share',
    cuts: [['limit * TENANT_SHARE', 'limit']],
    tests: [{ file: 'unit/http/content', title: 'one tenant' }],
  },
  {
    name: 'not-continued',
    cuts: [['req.headers.expect !== undefined', 'false']],
    tests: [
      { file: 'integration/refusals', title: 'not told to go on', env: { FAST_PATH: 'off' } },
    ],
  },
  {
    name: 'fault-behind-answers',
    cuts: [['whenNoneIsOwed(socket, refuse, newest)', 'refuse()']],
    tests: [{ file: 'integration/pipelined-faults', env: { FAST_PATH: 'off' } }],
  },
  {
    name: 'pipelined-requests',
    cuts: [['this.#answers.size >= MAX_OWED', 'false']],
    tests: [{ file: 'unit/lib/http-server', title: 'pipelines' }],
  },
  {
    name: 'linear-time',
    cuts: [['trimmedSlice(value, 0, value.length)', "value.replace(/^[ \\t]+|[ \\t]+$/g, '')"]],
    tests: [{ file: 'unit/worst-input' }],
  },
  {
    name: 'bounded-tags',
    cuts: [['field.length > MAX_FIELD_LENGTH', 'false']],
    tests: [{ file: 'unit/input-bounds' }],
  },
  {
    name: 'bounded-directives',
    cuts: [['value.length > MAX_FIELD_LENGTH', 'false']],
    tests: [{ file: 'unit/input-bounds' }],
  },
  {
    name: 'bounded-tracestate',
    cuts: [['tracestate.length > MAX_READ_LENGTH', 'false']],
    tests: [{ file: 'unit/input-bounds' }],
  },
  {
    name: 'refusal-reads-nothing',
    cuts: [['tracestate: null', 'tracestate: arguments[0].tracestate']],
    tests: [{ file: 'unit/http/request-traces', title: 'does not read tracestate' }],
  },
  {
    name: 'held-answers',
    cuts: [['this.#block()', '{}']],
    tests: [{ file: 'integration/fast-path', title: 'is not answered further' }],
  },
  {
    name: 'own-request-id',
    cuts: [['isUuid(fields.requestId)', 'true']],
    tests: [
      {
        file: 'integration/hostile-input',
        title: 'x-request-id is replaced',
        env: { FAST_PATH: 'off' },
      },
    ],
  },
  {
    name: 'fixed-problems',
    cuts: [['detail: problem.detail', 'detail: process.cwd()']],
    tests: [{ file: 'integration/errors-problems', title: 'byte for byte' }],
  },
  {
    name: 'request-sent',
    cuts: [["wasSent ? 'maybe' : false", "'maybe'"]],
    tests: [{ file: 'integration/request-sent-problems', title: 'the breaker keeps back' }],
  },
]

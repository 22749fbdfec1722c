/** Guards between the cache and the API. */
import type { Guard } from '../guards.ts'

const INTERIM = 'integration/interim-answers'
const UNASKED = 'integration/unasked-answers'
const CUT_OFF = 'integration/cut-off-answers'
const DEADLINES = 'integration/upstream-deadlines'

export const UPSTREAM_GUARDS: readonly Guard[] = [
  {
    name: 'upstream-certificate',
    cuts: [['rejectUnauthorized: true', 'rejectUnauthorized: false']],
    tests: [{ file: 'integration/upstream-tls', title: 'not one byte' }],
  },
  {
    name: 'no-redirect',
    prelude: "import { interceptors } from 'undici';",
    cuts: [
      [
        'connections, factory });',
        'connections, factory }).compose(interceptors.redirect({ maxRedirections: 3 }));',
      ],
    ],
    tests: [{ file: 'integration/upstream-faults', title: 'F34: a redirect' }],
  },
  {
    name: 'names-are-not-remembered',
    cuts: [
      [
        'const connecting = this.#dial(options,',
        'if (globalThis.failure) { callback(globalThis.failure, null); return; } const connecting = this.#dial(options,',
      ],
      ['callback(error, null);', '{ globalThis.failure = error; callback(error, null); }'],
    ],
    tests: [{ file: 'integration/upstream-names', title: 'when it resolves' }],
  },
  {
    name: 'reset-is-no-end',
    cuts: [["error.code === 'ECONNRESET'", 'false']],
    tests: [{ file: CUT_OFF, title: 'a body that a reset cuts off' }],
  },
  {
    name: 'reset-read-as-end',
    cuts: [['piece === null && !hasPeer(socket)', 'false']],
    tests: [{ file: CUT_OFF, title: 'read at once' }],
  },
  {
    name: 'unasked-continue',
    cuts: [['!isContinue(rest)', 'true']],
    tests: [{ file: INTERIM, title: '100 Continue that nobody asked for' }],
  },
  {
    name: 'interim-flood',
    cuts: [['left-- > 0', 'true']],
    tests: [{ file: INTERIM, title: 'are not followed without end' }],
  },
  {
    name: 'interim-in-turn',
    cuts: [['socket === null || res.headersSent || res.destroyed', 'false']],
    tests: [{ file: INTERIM, title: 'never get before the answer', env: { FAST_PATH: 'off' } }],
  },
  {
    name: 'interim-version',
    cuts: [["req.httpVersion === '1.1'", 'true']],
    tests: [{ file: INTERIM, title: 'a client of HTTP/1.0 gets no interim' }],
  },
  {
    name: 'unasked-answer',
    cuts: [['|| isUnasked(status, sent)', '']],
    tests: [{ file: UNASKED, title: 'that nobody asked for is a failure' }],
  },
  {
    name: 'bodiless-length',
    cuts: [["name !== 'content-length'", 'true']],
    tests: [{ file: UNASKED, title: 'a status that forbids content' }],
  },
  {
    name: 'coded-content',
    cuts: [['&& !isCoded(rawHeaders)', '']],
    tests: [{ file: 'integration/coded-content', title: 'a parent in content that is coded' }],
  },
  {
    name: 'whole-segment',
    cuts: [["!'/?#'.includes(rest[0])", 'false']],
    tests: [{ file: 'unit/upstream/locations', title: 'below a path' }],
  },
  {
    name: 'no-new-authority',
    cuts: [['/^\\/[/\\\\]/.test(rest)', 'false']],
    tests: [{ file: 'unit/upstream/locations', title: 'without a path' }],
  },
  {
    name: 'trusted-proxies',
    cuts: [['peer.address !== null && isTrusted(peer.address, 0)', 'true']],
    tests: [{ file: 'integration/forwarded', title: 'whatever a client says' }],
  },
  {
    name: 'unproven-end',
    cuts: [['throw new UnprovenEnd()', 'return']],
    tests: [{ file: CUT_OFF, title: 'a body that only the close ends over TLS' }],
  },
  {
    name: 'broken-json',
    cuts: [['isBrokenJson(body)', 'false']],
    tests: [{ file: CUT_OFF, title: 'a body that only the close ends over TLS' }],
  },
  {
    name: 'unclean-end',
    cuts: [["req.httpVersion === '1.0'", 'false']],
    tests: [{ file: CUT_OFF, title: 'a client of HTTP/1.0 is reset' }],
  },
  {
    name: 'transfer-codings',
    cuts: [['!isChunked(codings)', 'false']],
    tests: [{ file: CUT_OFF, title: 'in a transfer coding other than chunked' }],
  },
  {
    name: 'connect-deadline',
    cuts: [['timeoutMs)', '1e8)']],
    tests: [{ file: DEADLINES, title: 'F21', seconds: 45 }],
  },
  {
    name: 'head-deadline',
    cuts: [['this.#patience.headersTimeoutMs', '1e8']],
    tests: [{ file: DEADLINES, title: 'F22' }],
  },
  {
    name: 'pause-deadline',
    cuts: [['this.#patience.bodyTimeoutMs', '1e8']],
    tests: [{ file: DEADLINES, title: 'F23' }],
  },
  {
    name: 'total-deadline',
    cuts: [['new Budget(ms', 'new Budget(1e8']],
    tests: [
      { file: DEADLINES, title: 'F29' },
      { file: 'integration/errors-upstream', title: 'at its total deadline', seconds: 45 },
    ],
  },
  {
    name: 'tenant-places',
    cuts: [['!this.#gate.tryEnter(tenant, isAccepted)', 'false']],
    tests: [
      { file: 'integration/upstream-guards', title: 'a noisy tenant' },
      { file: 'integration/pass-through-lanes', title: 'a tenant that floods' },
    ],
  },
  {
    name: 'pass-through-share',
    cuts: [['new Lanes(clock, passThrough)', 'new Lanes(clock, 1e9)']],
    tests: [{ file: 'integration/pass-through-lanes', title: 'leaves a half' }],
  },
  {
    name: 'accepted-places',
    cuts: [['Math.floor(maxActive * RESERVED_SHARE)', '0']],
    tests: [
      { file: 'integration/pass-through-lanes', title: 'is not kept out' },
      { file: 'unit/upstream/places', title: 'leave an eighth' },
    ],
  },
  {
    name: 'left-while-waiting',
    cuts: [["settle('gone')", '{}']],
    tests: [
      { file: 'integration/pass-through-lanes', title: 'leaves while it waits' },
      { file: 'unit/upstream/places', title: 'a client that leaves' },
    ],
  },
  {
    name: 'left-under-way',
    cuts: [["sent.abort(new ClientGone('the client has left'))", '{}']],
    tests: [{ file: 'integration/pass-through-lanes', title: 'connection is cancelled' }],
  },
  {
    name: 'place-until-read',
    cuts: [['whenClosed(stream, () => places.leave(asker))', 'places.leave(asker)']],
    tests: [{ file: 'integration/pass-through-lanes', title: 'holds its place' }],
  },
  {
    name: 'tenant-hold',
    cuts: [['answer.status === 429', 'false']],
    tests: [{ file: 'integration/upstream-guards', title: 'answered 429' }],
  },
  {
    name: 'held-tenants',
    cuts: [['this.#heldUntil.size > MAX_HELD', 'false']],
    tests: [{ file: 'unit/upstream/guards', title: 'memory stays bounded' }],
  },
  {
    name: 'upstream-paused',
    cuts: [
      [
        "{ kind: 'paused', retryAfterMs: waitMs }",
        "{ kind: 'unreachable', cause: 'refused', wasSent: false }",
      ],
    ],
    tests: [{ file: 'integration/request-sent-problems', title: 'the breaker keeps back' }],
  },
  {
    name: 'moved-address',
    cuts: [['life.absences >= ABSENCES', 'false']],
    tests: [
      { file: 'integration/connection-lives', title: 'follows the name' },
      { file: 'unit/upstream/connection-lives', title: 'missing twice' },
    ],
  },
  {
    name: 'finished-before-closed',
    cuts: [['client.stats.running === 0', 'true']],
    tests: [{ file: 'integration/connection-lives', title: 'finishes its request' }],
  },
  {
    name: 'own-fault',
    cuts: [['!(error instanceof UpstreamFailed)', 'false']],
    tests: [
      { file: 'integration/own-faults', title: 'what undici says' },
      { file: 'integration/own-faults-in-calls', title: 'the API is not blamed' },
    ],
  },
  {
    name: 'closed-faults',
    cuts: [["isConnectionFault(code, syscall) ? 'unreachable' : null", "'unreachable'"]],
    tests: [{ file: 'unit/upstream/faults' }],
  },
  {
    name: 'fault-in-body',
    cuts: [['this.#question.onFault(error)', '{}']],
    tests: [{ file: 'unit/upstream/reception', title: 'as more of a body comes' }],
  },
  {
    name: 'truncated-answer',
    cuts: [
      [
        'this.#reject(',
        'if (this.hasBegun && !this.#isGiven) this.#give(this.#body()); else this.#reject(',
      ],
    ],
    tests: [{ file: 'integration/errors-upstream', title: 'a body that breaks off' }],
  },
  {
    name: 'held-upstream',
    cuts: [['this.#pause()', '{}']],
    tests: [
      { file: 'integration/pass-through-streaming', title: 'reads nothing keeps the upstream' },
    ],
  },
]

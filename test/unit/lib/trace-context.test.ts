/** W3C Trace Context, by the sections of the Recommendation. */
import t from 'tap'
import { readTraceContext, traceparentOf } from '../../../src/lib/trace-context.ts'
import { SilentTracer } from '../../../src/lib/tracer.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const PARENT = `00-${TRACE}-${SPAN}-01`

const TRACEPARENTS: readonly [title: string, value: string | null, isSampled: boolean | null][] = [
  ['sampled', PARENT, true],
  ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
  ['flags that version 00 does not define, with the sampled one', `00-${TRACE}-${SPAN}-ff`, true],
  ['flags that version 00 does not define, without it', `00-${TRACE}-${SPAN}-fe`, false],
  ['a later version of the same form', `cc-${TRACE}-${SPAN}-01`, true],
  ['a later version with more behind a dash', `cc-${TRACE}-${SPAN}-01-what.the-future`, true],
  ['a later version with nothing behind the dash', `01-${TRACE}-${SPAN}-00-`, false],
  ['absent', null, null],
  ['empty', '', null],
  ['version ff', `ff-${TRACE}-${SPAN}-01`, null],
  ['version 00 with more', `${PARENT}-00`, null],
  ['version 00 with a dash behind it', `${PARENT}-`, null],
  ['a later version with more, without a dash', `cc-${TRACE}-${SPAN}-01.what`, null],
  ['a later version that is too short', `cc-${TRACE}-${SPAN}-0`, null],
  ['version of one digit', `0-${TRACE}-${SPAN}-01`, null],
  ['version that is no number', `xx-${TRACE}-${SPAN}-01`, null],
  ['version in upper case', `CC-${TRACE}-${SPAN}-01`, null],
  ['trace-id in upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`, null],
  ['trace-id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`, null],
  ['trace-id too short', `00-${TRACE.slice(1)}-${SPAN}-01`, null],
  ['trace-id too long', `00-${TRACE}a-${SPAN}-01`, null],
  ['trace-id with another character', `00-${TRACE.slice(1)}.-${SPAN}-01`, null],
  ['parent-id in upper case', `00-${TRACE}-${SPAN.toUpperCase()}-01`, null],
  ['parent-id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, null],
  ['parent-id too short', `00-${TRACE}-${SPAN.slice(1)}-01`, null],
  ['flags in upper case', `00-${TRACE}-${SPAN}-0A`, null],
  ['flags of one digit', `00-${TRACE}-${SPAN}-1`, null],
  ['no flags', `00-${TRACE}-${SPAN}`, null],
  ['other separators', PARENT.replaceAll('-', '_'), null],
  ['two lines that say the same', `${PARENT}, ${PARENT}`, null],
]

for (const [title, value, isSampled] of TRACEPARENTS) {
  t.test(`traceparent: ${title}`, async (t) => {
    const context = readTraceContext(value, 'a=1')
    if (isSampled === null) t.equal(context, null, 'a new trace begins, whatever tracestate says')
    else t.strictSame(context, { traceId: TRACE, spanId: SPAN, isSampled, state: 'a=1' })
  })
}

const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join()
const longKey = 'k'.repeat(256)
const longTenant = `${'t'.repeat(241)}@${'s'.repeat(14)}`
const TRACESTATES: readonly [title: string, value: string | null, sent: string | null][] = [
  ['absent', null, null],
  ['empty', '', null],
  ['one member', 'rojo=00f067aa0ba902b7', 'rojo=00f067aa0ba902b7'],
  ['order is kept', 'b=2,a=1', 'b=2,a=1'],
  ['several lines, joined', 'a=1, b=2,\tc=3', 'a=1,b=2,c=3'],
  ['empty members', 'a=1,,b=2, ,', 'a=1,b=2'],
  ['white space around members', ' \ta=1 \t,\t b=2 ', 'a=1,b=2'],
  ['a value with blanks in it and before it', 'a= 1 2', 'a= 1 2'],
  ['all that a key may have', 'a0_-*/=1,0t@s=2', 'a0_-*/=1,0t@s=2'],
  ['the longest key', `${longKey}=1`, `${longKey}=1`],
  ['the longest tenant and system', `${longTenant}=1`, `${longTenant}=1`],
  ['32 members', members(32), members(32)],
  ['33 members', members(33), null],
  ['a key twice: the first counts', 'a=1,b=2,a=3', 'a=1,b=2'],
  ['a key in upper case', 'A=1,b=2', null],
  ['a key that begins with a digit', '1a=1', null],
  ['a key with a dot', 'a.b=1', null],
  ['no system', 'a@=1', null],
  ['no tenant', '@a=1', null],
  ['two at signs', 'a@b@c=1', null],
  ['a blank before the equals sign', 'a =1', null],
  ['no value', 'a=', null],
  ['no equals sign', 'a', null],
  ['two equals signs', 'a=1=2', null],
  ['a control character', 'a=1\u0001', null],
  ['beyond ASCII', 'a=é', null],
]

for (const [title, value, sent] of TRACESTATES) {
  t.test(`tracestate: ${title}`, async (t) => {
    t.equal(readTraceContext(PARENT, value)?.state, sent)
  })
}

t.test('tracestate: a key longer than allowed, and a value longer than allowed', async (t) => {
  for (const value of [
    `${longKey}k=1`,
    `${'t'.repeat(242)}@s=1`,
    `t@${'s'.repeat(15)}=1`,
    `a=${'v'.repeat(257)}`,
  ]) {
    t.equal(readTraceContext(PARENT, value)?.state, null)
  }
  const longest = `a=${'v'.repeat(256)}`
  t.equal(readTraceContext(PARENT, longest)?.state, longest)
})

t.test('tracestate: a field of more than 8,192 characters is not read', async (t) => {
  const member = `a=1${' '.repeat(8_000)}`
  t.equal(readTraceContext(PARENT, member)?.state, 'a=1')
  t.equal(readTraceContext(PARENT, `${member}${' '.repeat(200)}`)?.state, null)
})

t.test('traceparent: a later version of more than 256 characters is not read', async (t) => {
  const later = `cc-${TRACE}-${SPAN}-01-`
  t.ok(readTraceContext(later.padEnd(256, 'x'), null))
  t.equal(readTraceContext(later.padEnd(257, 'x'), null), null)
})

t.test('tracestate: above 512 characters, long members go first, then the last ones', async (t) => {
  const long = `long=${'x'.repeat(200)}`
  const short = Array.from({ length: 5 }, (_, i) => `k${i}=${'v'.repeat(90)}`)
  t.equal(readTraceContext(PARENT, [long, ...short].join())?.state, short.join())
  const many = Array.from({ length: 8 }, (_, i) => `k${i}=${'v'.repeat(90)}`)
  const kept = readTraceContext(PARENT, many.join())?.state
  t.equal(kept, many.slice(0, 5).join())
  t.ok((kept ?? '').length <= 512)
  const onlyLong = [0, 1, 2].map((i) => `k${i}=${'x'.repeat(250)}`)
  t.equal(readTraceContext(PARENT, onlyLong.join())?.state, null)
  const exact = `a=${'v'.repeat(253)},b=${'v'.repeat(254)}`
  t.equal(exact.length, 512)
  t.equal(readTraceContext(PARENT, exact)?.state, exact)
})

t.test('what is written is version 00, and says only whether the trace is sampled', async (t) => {
  for (const [value, written] of [
    [PARENT, PARENT],
    [`cc-${TRACE}-${SPAN}-ff-more`, PARENT],
    [`00-${TRACE}-${SPAN}-02`, `00-${TRACE}-${SPAN}-00`],
  ] as const) {
    const context = readTraceContext(value, null)
    t.equal(context && traceparentOf(context), written)
  }
})

t.test(
  'without export a trace goes on under its id, with a new parent for each call',
  async (t) => {
    const parent = readTraceContext(PARENT, 'a=1')
    const span = new SilentTracer(0).request({ parent, method: 'GET', route: null, startedAt: 0 })
    const calls = [span.begin('upstream'), span.begin('fill').begin('upstream')]
    for (const { context } of calls) {
      t.match(context, { traceId: TRACE, isSampled: true, state: 'a=1' })
      t.match(context.spanId, /^[0-9a-f]{16}$/)
    }
    t.equal(new Set([SPAN, ...calls.map(({ context }) => context.spanId)]).size, 3)
  },
)

t.test('a trace that begins here is sampled by the ratio', async (t) => {
  const arrival = { parent: null, method: 'GET', route: null, startedAt: 0 }
  const share = (ratio: number): number => {
    const tracer = new SilentTracer(ratio)
    const spans = Array.from({ length: 2_000 }, () => tracer.request(arrival).context)
    t.equal(new Set(spans.map(({ traceId }) => traceId)).size, 2_000)
    for (const context of spans) {
      t.notSame(readTraceContext(traceparentOf(context), null), null)
    }
    return spans.filter(({ isSampled }) => isSampled).length
  }
  t.equal(share(0), 0)
  t.equal(share(1), 2_000)
  const half = share(0.5)
  // 10 standard deviations to either side.
  t.ok(half > 776 && half < 1_224, String(half))
})

/** When a request's span begins, and when nothing is made of the trace that it brings. */
import t from 'tap'
import { RequestTraces } from '../../../src/http/request-traces.ts'
import type { RequestHead } from '../../../src/http/validate.ts'
import { type Arrival, SilentTracer, type Tracer } from '../../../src/lib/tracer.ts'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function headWith(traceparent: string | null): RequestHead {
  return { method: 'GET', traceparent, tracestate: null } as RequestHead
}

/** Counts the spans that are begun. */
function counting(isOn: boolean): { readonly tracer: Tracer; readonly begun: Arrival[] } {
  const silent = new SilentTracer(1)
  const begun: Arrival[] = []
  const tracer: Tracer = {
    isOn,
    request: (arrival) => {
      begun.push(arrival)
      return silent.request(arrival)
    },
    refresh: () => silent.refresh(),
    close: () => silent.close(),
  }
  return { tracer, begun }
}

const HITS: readonly [
  title: string,
  isOn: boolean,
  isEachLogged: boolean,
  traceparent: string | null,
  begins: boolean,
][] = [
  ['no export, hits not logged', false, false, null, false],
  ['no export, hits not logged, a trace brought', false, false, PARENT, false],
  ['no export, hits logged, none brought', false, true, null, false],
  ['no export, hits logged, a trace brought', false, true, PARENT, true],
  ['export', true, false, null, true],
]

for (const [title, isOn, isEachLogged, traceparent, begins] of HITS) {
  t.test(`a hit: ${title}`, async (t) => {
    const { tracer, begun } = counting(isOn)
    const span = new RequestTraces(tracer, isEachLogged).beginHit(
      headWith(traceparent),
      'customer',
      5,
    )
    t.equal(span !== null, begins)
    t.equal(begun.length, begins ? 1 : 0)
  })
}

t.test('a refusal begins no trace, but belongs to the one that it brings', async (t) => {
  const { tracer } = counting(false)
  const traces = new RequestTraces(tracer, true)
  t.equal(traces.beginRefusal(headWith(null), 'GET', 5), null)
  t.equal(
    traces.beginRefusal(headWith(PARENT), 'GET', 5)?.context.traceId,
    '0af7651916cd43dd8448eb211c80319c',
  )
})

t.test('a refusal does not read tracestate, whether spans are kept or not', async (t) => {
  const head = { ...headWith(PARENT), tracestate: 'a=1' }
  for (const isOn of [false, true]) {
    const { tracer, begun } = counting(isOn)
    const traces = new RequestTraces(tracer, true)
    traces.beginRefusal(head, 'GET', 5)
    traces.begin(head, 'GET', null, 5)
    t.match(begun, [{ parent: { state: null } }, { parent: { state: 'a=1' } }])
  }
})

t.test('what asks the upstream is always part of a trace', async (t) => {
  const { tracer, begun } = counting(false)
  const traces = new RequestTraces(tracer, false)
  traces.begin(headWith(null), 'PATCH', 'W1', 5)
  traces.begin(headWith(PARENT), 'BREW', null, 6)
  t.match(begun, [
    { parent: null, method: 'PATCH', route: 'W1', startedAt: 5 },
    { parent: { spanId: 'b7ad6b7169203331' }, method: '_OTHER', route: null, startedAt: 6 },
  ])
})

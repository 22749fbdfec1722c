import t from 'tap'
import {
  between,
  type CpuProfile,
  foldedText,
  foldProfile,
  frameName,
  prune,
  topSelfTimes,
} from '../../../bench/flame/fold.ts'

const ROOT = '/somewhere/of/mine/layby/'

function node(id: number, functionName: string, url = '', children: number[] = [], line = 9) {
  return { id, callFrame: { functionName, url, lineNumber: line, columnNumber: 0 }, children }
}

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 6]),
    node(2, '(idle)'),
    node(3, 'onread', 'node:internal/stream_base_commons', [4, 5]),
    node(4, 'lookup', `file://${ROOT}.build/src/cache/cache.js`),
    node(5, '', `file://${ROOT}node_modules/undici/lib/core/util.js`),
    node(6, '(garbage collector)'),
  ],
  samples: [2, 2, 3, 4, 4, 5, 6, 4],
  timeDeltas: [100, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
}

t.test('a profile becomes one line a stack, outermost frame first', async (t) => {
  t.equal(
    foldedText(foldProfile(PROFILE, ROOT)),
    '(garbage collector) 1\n' +
      'onread node:internal/stream_base_commons:10 1\n' +
      'onread node:internal/stream_base_commons:10;(anonymous) node_modules/undici/lib/core/util.js:10 1\n' +
      'onread node:internal/stream_base_commons:10;lookup .build/src/cache/cache.js:10 3\n',
  )
})

t.test('no folder of the machine is named', async (t) => {
  const frame = { functionName: 'f', lineNumber: 0 }
  t.equal(frameName({ ...frame, url: 'file:///home/me/else.js' }, ROOT), 'f else.js:1')
  t.equal(
    frameName({ ...frame, url: '/home/me/node_modules/a/b.js' }, ROOT),
    'f node_modules/a/b.js:1',
  )
  t.equal(frameName({ ...frame, functionName: 'a;b\nc', url: '' }, ROOT), 'a:b c')
})

t.test('stacks of one name are one line', async (t) => {
  const twice: CpuProfile = {
    nodes: [node(1, '(root)', '', [2, 3]), node(2, 'f', 'node:net'), node(3, 'f', 'node:net')],
    samples: [2, 3, 3],
    timeDeltas: [0, 0, 0],
  }
  t.same([...foldProfile(twice, ROOT)], [['f node:net:10', 3]])
})

t.test('only what was sampled in time counts', async (t) => {
  // At 0.1, 1.1, 2.1 ms and so on.
  t.same(between(PROFILE, 2, 5).samples, [3, 4, 4])
  t.same(between(PROFILE, 8, 9).samples, [])
})

t.test('what is rare counts for its caller, and no sample is lost', async (t) => {
  const stacks = new Map([
    ['a', 500],
    ['a;b;c', 1],
    ['a;b;d', 1],
    ['a;b;e', 497],
    ['z', 1],
  ])
  const kept = prune(stacks, 0.0015)
  // `c` and `d` are each too rare; what they give to `b` together is not.
  t.same([...kept].sort(), [
    ['a', 500],
    ['a;b', 2],
    ['a;b;e', 497],
    ['z', 1],
  ])
  const sum = (of: ReadonlyMap<string, number>): number => [...of.values()].reduce((x, y) => x + y)
  t.equal(sum(prune(stacks, 0.01)), sum(stacks))
  t.same([...prune(stacks, 0.01)].sort(), [
    ['a', 502],
    ['a;b;e', 497],
    ['z', 1],
  ])
})

t.test('self times add up over all stacks that end in the frame', async (t) => {
  const stacks = new Map([
    ['a;f', 3],
    ['b;f', 3],
    ['b', 2],
  ])
  t.same(topSelfTimes(stacks, 1), [{ frame: 'f', share: 0.75 }])
})

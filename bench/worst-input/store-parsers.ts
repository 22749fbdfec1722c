/** What reads bytes of Redis. What is sealed can be forged by nobody; what is not sealed can be anything. */

import { isSameValue, withMark } from '../../src/cache/fence.ts'
import { open, openBytes, seal, sealBytes } from '../../src/cache/frame.ts'
import { ByteReader } from '../../src/cache/frame-bytes.ts'
import { partsOf } from '../../src/cache/key.ts'
import { codeOf } from '../../src/stores/redis-codes.ts'
import { tlsFor } from '../../src/stores/redis-connectors.ts'
import { listingOf } from '../../src/stores/roster.ts'
import { bare, type Parser, within } from './parser.ts'

const KEY = Buffer.alloc(32, 1)
const sealedHead = sealBytes(Buffer.alloc(0), KEY, 'a').subarray(0, 16)
const frameHead = seal({ kind: 'admission', sealedAt: 0, keptMs: 1, stamp: [] }, KEY, 'a').subarray(
  0,
  16,
)

export const STORE_PARSERS: readonly Parser[] = [
  {
    name: 'a frame with other bytes',
    files: ['cache/frame.ts'],
    frames: [bare],
    run: (text) => {
      const bytes = Buffer.from(text, 'latin1')
      return [
        open(Buffer.concat([frameHead, bytes]), KEY, 'a'),
        openBytes(Buffer.concat([sealedHead, bytes]), KEY, 'a'),
      ]
    },
  },
  {
    name: 'pairs in a frame',
    files: ['cache/frame-bytes.ts'],
    frames: [
      bare,
      // As many as can be counted, each of them empty.
      (filling) => `\x7f\xe0\0\0\0\0\0\0${'\0'.repeat(filling.length)}`,
    ],
    run: (text) => new ByteReader(Buffer.from(text, 'latin1')).pairs(),
  },
  {
    name: 'a key',
    files: ['cache/key.ts'],
    frames: [bare, within, (filling) => '0:'.repeat(filling.length >> 1)],
    run: partsOf,
  },
  {
    name: 'a fence with a mark',
    files: ['cache/fence.ts'],
    frames: [bare, (filling) => `${filling}~${filling}`],
    run: (text) => [withMark(text, 'a'), isSameValue(text, `${text}~`)],
  },
  {
    name: 'the name of a server, by a Sentinel or a Cluster',
    files: ['stores/redis-connectors.ts'],
    frames: [bare, within],
    run: (host) => tlsFor(host, {}),
  },
  {
    name: 'an entry of the roster',
    files: ['stores/roster.ts'],
    frames: [bare, (filling) => `i.${filling}`, (filling) => `i.a.${filling}`],
    run: (value) => listingOf([value, 'e.1']),
  },
  {
    name: 'an error of Redis',
    files: ['stores/redis-codes.ts'],
    frames: [bare, within, (filling) => `E${filling}`],
    run: (message) => codeOf(new Error(message)),
  },
]

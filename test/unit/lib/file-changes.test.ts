import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FileChanges } from '../../../src/lib/file-changes.ts'

t.test('a change of files counts once, and when it has come to rest', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'layby-files-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const [a, b] = [join(dir, 'a'), join(dir, 'b')]
  writeFileSync(a, '1')
  let changes = 0
  const files = new FileChanges([a, b], () => changes++)
  const after = async (looks: number): Promise<number> => {
    for (let i = 0; i < looks; i++) await files.look()
    return changes
  }
  t.equal(await after(3), 0, 'nothing has changed')
  writeFileSync(b, '1')
  t.equal(await after(1), 0, 'it may go on')
  writeFileSync(`${a}.new`, '2')
  renameSync(`${a}.new`, a)
  t.equal(await after(1), 0, 'it went on')
  t.equal(await after(1), 1)
  t.equal(await after(3), 1, 'once')
  rmSync(a)
  t.equal(await after(2), 2, 'a file that is gone is a change')
})

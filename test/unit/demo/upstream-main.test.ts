import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { benchToken, SAMPLE_TOKENS } from '../../../demo/sample-tokens.ts'

const program = fileURLToPath(new URL('../../../demo/upstream-main.js', import.meta.url))

function start(...flags: string[]) {
  return spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
}

t.test('the program says where it listens, knows its tokens and stops on SIGTERM', async (t) => {
  const child = start('--port', '0', '--tokens', '2', '--customers', '5')
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const url = /^sample upstream on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1]
  const statusFor = async (token: string, tenant: string) => {
    const headers = { authorization: `Bearer ${token}`, 'x-tenant-id': tenant }
    return (await fetch(`${url}/customers/5/`, { headers })).status
  }
  t.equal(await statusFor(SAMPLE_TOKENS.dispatcher.token, '7'), 200)
  t.equal(await statusFor(SAMPLE_TOKENS.neighbour.token, '9'), 200)
  t.equal(await statusFor(SAMPLE_TOKENS.neighbour.token, '7'), 403)
  t.equal(await statusFor(benchToken(1).token, '7'), 200)
  t.equal(await statusFor(benchToken(2).token, '7'), 401)
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})

t.test('a wrong option ends the program with its usage', async (t) => {
  for (const flags of [['--delay', 'long'], ['--nonsense']]) {
    const child = start(...flags)
    t.teardown(() => child.kill('SIGKILL'))
    const [line] = await once(createInterface(child.stderr), 'line')
    t.match(line, /^usage: upstream-main /)
    t.same(await once(child, 'exit'), [64, null])
  }
})

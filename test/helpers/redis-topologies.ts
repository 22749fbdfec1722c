import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { until } from './instances.ts'
import { launchRedis, type RedisServer } from './redis-servers.ts'

const run = promisify(execFile)

/** Three masters, each with a replica. */
export async function startCluster(t: Test): Promise<{ servers: RedisServer[]; nodes: string[] }> {
  const servers: RedisServer[] = []
  for (let i = 0; i < 6; i++) {
    const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000']
    const own = [...cluster, '--repl-diskless-sync-delay', '0']
    // The bus of a node is on its port + 10000, unless told otherwise.
    const server = await launchRedis([...own, '--cluster-port', String(await freePort())])
    servers.push(server)
    t.teardown(() => server.close())
  }
  const nodes = servers.map(({ port }) => `127.0.0.1:${port}`)
  await run('redis-cli', [
    '--cluster',
    'create',
    ...nodes,
    '--cluster-replicas',
    '1',
    '--cluster-yes',
  ])
  for (const server of servers) {
    await until(async () => (await server.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'))
    await until(async () => (await server.cli('CLUSTER', 'NODES')).split('slave').length === 4)
    // A replica that has never had its master's data does not stand for election.
    await until(async () => {
      const told = await server.cli('INFO', 'replication')
      return told.includes('role:master') || told.includes('master_link_status:up')
    })
  }
  return { servers, nodes }
}

/** A master, a replica, and three Sentinels that call the master `mymaster`. */
export async function startSentinels(
  t: Test,
): Promise<{ master: RedisServer; replica: RedisServer; nodes: string[] }> {
  const master = await launchRedis()
  t.teardown(() => master.close())
  const replica = await launchRedis(['--replicaof', '127.0.0.1', String(master.port)])
  t.teardown(() => replica.close())
  const directory = mkdtempSync(join(tmpdir(), 'layby-sentinel-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const ports: number[] = []
  for (let i = 0; i < 3; i++) {
    const port = await freePort()
    const file = join(directory, `${i}.conf`)
    writeFileSync(
      file,
      `port ${port}\nbind 127.0.0.1\ndir ${directory}\nsentinel monitor mymaster 127.0.0.1 ${master.port} 2\n` +
        'sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n',
    )
    const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' })
    t.teardown(async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    })
    ports.push(port)
  }
  for (const port of ports) {
    await until(async () => {
      const { stdout } = await run('redis-cli', ['-p', String(port), 'INFO', 'sentinel']).catch(
        () => ({ stdout: '' }),
      )
      return stdout.includes('slaves=1,sentinels=3')
    })
  }
  return { master, replica, nodes: ports.map((port) => `127.0.0.1:${port}`) }
}

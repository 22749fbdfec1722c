/** Who is measured: how each server starts, and how its answer tells that it was a hit. */
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { ask } from './http-client.ts'
import { CERTIFICATE, CERTIFICATE_KEY, startLayby } from './layby.ts'
import { benchFile, compiledPeer, findProgram, laybyProgram } from './paths.ts'
import {
  type Command,
  freePort,
  type RunningProcess,
  startServer,
  untilReady,
} from './processes.ts'

/** Where a contestant may put files, which core is its own and which upstream it stands before. */
export type Surroundings = {
  readonly folder: string
  readonly core: number
  readonly upstreamPort: number
}

export type Target = { readonly port: number; readonly process: RunningProcess }

/**
 * cache: answers from store and must prove it. proxy: asks the upstream for every request.
 * fixed: has no upstream.
 */
export type Role = 'cache' | 'proxy' | 'fixed'

export type Contestant = {
  readonly id: string
  readonly title: string
  readonly role: Role
  /** Does Layby's header checks; then it has to show that it refuses bad requests. */
  readonly checksRequests: boolean
  /** Listens with TLS. */
  readonly tls: boolean
  /** The reason why it cannot take part on this machine. */
  readonly missing: () => string | undefined
  readonly saysHit: (headers: IncomingHttpHeaders) => boolean
  readonly start: (surroundings: Surroundings) => Promise<Target>
}

/** Any answer at all, an error too, shows that the server listens. */
async function answers(port: number, tls: boolean): Promise<boolean> {
  return (await ask(port, { method: 'GET', path: '/', headers: {} }, tls)).status > 0
}

async function startOnPort(port: number, command: Command, tls = false): Promise<Target> {
  const process = await startServer(command)
  await untilReady(process, () => answers(port, tls))
  return { port, process }
}

function fillTemplate(name: string, values: Readonly<Record<string, string | number>>): string {
  const template = readFileSync(benchFile('peers', name), 'utf8')
  return template.replace(/\{\{(\w+)\}\}/g, (whole, key: string) => `${values[key] ?? whole}`)
}

function missingPackage(program: string, debianPackage: string): () => string | undefined {
  return () =>
    findProgram(program) === undefined
      ? `not installed (Debian package ${debianPackage})`
      : undefined
}

function missingFile(path: string, name: string): string | undefined {
  try {
    accessSync(path, constants.R_OK)
    return undefined
  } catch {
    return `${name} is not built`
  }
}

const layby = (tls: boolean): Contestant => ({
  id: tls ? 'layby-tls' : 'layby',
  title: 'Layby',
  role: 'cache',
  checksRequests: true,
  tls,
  missing: () => missingFile(laybyProgram, '.build/src/main.js'),
  saysHit: (headers) => `${headers['cache-status']}`.startsWith('layby; hit'),
  start: ({ core, upstreamPort }) => startLayby({ core, upstreamPort, tls }),
})

const nginx = (id: string, { tls = false, gzip = false } = {}): Contestant => ({
  id,
  title: gzip ? 'nginx proxy_cache, gzip on' : 'nginx proxy_cache',
  role: 'cache',
  checksRequests: true,
  tls,
  missing: missingPackage('nginx', 'nginx-light'),
  saysHit: (headers) => headers['x-cache-status'] === 'HIT',
  start: async ({ core, folder, upstreamPort }) => {
    const port = await freePort()
    const home = join(folder, `nginx-${port}`)
    mkdirSync(home)
    const configuration = join(home, 'nginx.conf')
    const user = userInfo().username
    const listen = tls ? 'ssl' : ''
    const files = { certificate: CERTIFICATE, key: CERTIFICATE_KEY }
    const own = { folder: home, user, listen, gzip: gzip ? 'on' : 'off' }
    const values = { port, upstreamPort, ...own, ...files }
    writeFileSync(configuration, fillTemplate('nginx.conf.template', values))
    return startOnPort(
      port,
      {
        program: findProgram('nginx') ?? 'nginx',
        args: ['-p', home, '-c', configuration, '-e', join(home, 'start.log')],
        core,
      },
      tls,
    )
  },
})

const varnish = (id: string, { gzip = false } = {}): Contestant => ({
  id,
  title: gzip ? 'Varnish, do_gzip' : 'Varnish',
  role: 'cache',
  checksRequests: true,
  tls: false,
  missing: missingPackage('varnishd', 'varnish'),
  // Two transaction ids: this one's, and that of the one that fetched.
  saysHit: (headers) => /^\d+ \d+$/.test(`${headers['x-varnish']}`) && 'age' in headers,
  start: async ({ core, folder, upstreamPort }) => {
    const port = await freePort()
    const configuration = join(folder, `varnish-${port}.vcl`)
    writeFileSync(
      configuration,
      fillTemplate('varnish.vcl.template', { upstreamPort, gzip: `${gzip}` }),
    )
    return startOnPort(port, {
      program: findProgram('varnishd') ?? 'varnishd',
      args: [
        ...['-F', '-j', 'none', '-n', join(folder, `varnish-${port}`), '-T', 'none'],
        ...['-a', `127.0.0.1:${port}`, '-f', configuration, '-s', 'malloc,64m'],
        // One pool for the one core, and no log, as for the others.
        ...['-p', 'thread_pools=1', '-p', `vsl_mask=${silentLog}`],
      ],
      core,
    })
  },
})

/** The records that a hit writes to Varnish's shared memory log. */
const silentLog = [
  ...['-Begin', '-End', '-Link', '-SessOpen', '-SessClose', '-Timestamp', '-Hit', '-ReqAcct'],
  ...['-ReqStart', '-ReqMethod', '-ReqURL', '-ReqProtocol', '-ReqHeader', '-ReqUnset'],
  ...['-RespProtocol', '-RespStatus', '-RespReason', '-RespHeader', '-RespUnset'],
  ...['-VCL_call', '-VCL_return', '-Length', '-Debug', '-WorkThread'],
].join(',')

function nodePeer(id: string, title: string, role: Role): Contestant {
  const program = compiledPeer(id)
  return {
    id,
    title,
    role,
    checksRequests: false,
    tls: false,
    missing: () => missingFile(program, `.build/bench/peers/${id}.js`),
    saysHit: () => true,
    start: async ({ core, upstreamPort }) => {
      const port = await freePort()
      const args = [program, `${port}`, `${upstreamPort}`]
      return startOnPort(port, { program: globalThis.process.execPath, args, core })
    },
  }
}

export const contestants: readonly Contestant[] = [
  layby(false),
  nginx('nginx'),
  varnish('varnish'),
  nginx('nginx-gzip', { gzip: true }),
  varnish('varnish-gzip', { gzip: true }),
  layby(true),
  nginx('nginx-tls', { tls: true }),
  nodePeer('plain-http-proxy', 'plain @fastify/http-proxy', 'proxy'),
  nodePeer('bare-node', 'bare Node http', 'fixed'),
  nodePeer('bare-socket', 'bare Node socket', 'fixed'),
  nodePeer('stand-in-upstream', 'direct call', 'fixed'),
]

export async function startStandInUpstream(core: number): Promise<Target> {
  const port = await freePort()
  return startOnPort(port, {
    program: globalThis.process.execPath,
    args: [compiledPeer('stand-in-upstream'), `${port}`],
    core,
  })
}

/** Requests that reached the stand-in upstream so far. */
export async function upstreamRequests(port: number): Promise<number> {
  const answer = await ask(port, { method: 'GET', path: '/__stats', headers: {} })
  return (JSON.parse(answer.body.toString('utf8')) as { requests: number }).requests
}

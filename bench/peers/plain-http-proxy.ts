/**
 * @fastify/http-proxy as its README starts it: no cache, no checks.
 * Call: plain-http-proxy.js <port> <upstream port>
 */
import httpProxy from '@fastify/http-proxy'
import { fastify } from 'fastify'

const [, , port, upstreamPort] = process.argv
const app = fastify({ logger: false })
await app.register(httpProxy, { upstream: `http://127.0.0.1:${upstreamPort}` })
await app.listen({ host: '127.0.0.1', port: Number(port) })

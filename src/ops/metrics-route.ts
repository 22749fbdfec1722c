/** `GET /metrics`: the same for one process and for several, in the text that the client prefers. */
import type { FastifyInstance } from 'fastify'
import { CONTENT_TYPES, expose, type MetricFamily } from './exposition.ts'
import { chooseFormat } from './format-choice.ts'

/** @param families as prom-client's `getMetricsAsJSON()` tells them, whose types know no exemplars */
export function addMetrics(fastify: FastifyInstance, families: () => Promise<unknown>): void {
  fastify.get('/metrics', async ({ headers }, reply) => {
    const format = chooseFormat(headers.accept)
    const told = (await families()) as MetricFamily[]
    reply.header('Content-Type', CONTENT_TYPES[format]).header('Vary', 'Accept')
    return expose(told, format)
  })
}

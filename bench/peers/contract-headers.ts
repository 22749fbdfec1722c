/** The response header set of the API, without Date, which node:http adds. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

function single(value: string | string[] | undefined, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

export function contractHeaders(request: IncomingHttpHeaders, body: string): OutgoingHttpHeaders {
  return {
    'Access-Control-Allow-Headers': 'Authorization, Accept, X-TENANT-ID, Content-Type',
    'Access-Control-Allow-Methods': 'GET,PATCH',
    'Access-Control-Allow-Origin': '*',
    Allow: 'GET,PATCH',
    'Content-Length': body.length,
    'Content-Type': 'application/json',
    'X-API-VERSION': single(request['x-api-version'], '2019/02/08'),
    'X-REQUEST-ID': single(request['x-request-id'], randomUUID()),
  }
}

/**
 * The API's place in the benchmark: fixed answers, the API's header set, no cache metadata.
 * Call: stand-in-upstream.js <port>
 *
 * GET /__stats answers how many other requests came, so that a hit can be proved.
 * nginx and Varnish cannot mint an ETag, so they ask for one with X-Stand-In-Etag: 1.
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { contractHeaders } from './contract-headers.ts'
import { addressesBody, customerBody } from './customer-body.ts'

const etag = `"${createHash('sha256').update(customerBody).digest('base64url').slice(0, 22)}"`
let requests = 0

const server = createServer((request, response) => {
  if (request.url === '/__stats') {
    response.end(JSON.stringify({ requests }))
    return
  }
  requests += 1
  const body = request.url?.includes('/addresses') ? addressesBody : customerBody
  const headers = contractHeaders(request.headers, body)
  if (request.headers['x-stand-in-etag'] === '1') headers['ETag'] = etag
  response.writeHead(200, 'OK', headers)
  response.end(body)
})
// A proxy that picks a connection up just as it is closed would count an error.
server.keepAliveTimeout = 60_000
server.listen(Number(process.argv[2]), '127.0.0.1')

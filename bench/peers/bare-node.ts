/**
 * The reference: what Node's own HTTP server costs when it checks and looks up nothing.
 * Call: bare-node.js <port>
 */
import { createServer } from 'node:http'
import { contractHeaders } from './contract-headers.ts'
import { customerBody } from './customer-body.ts'

createServer((request, response) => {
  response.writeHead(200, 'OK', contractHeaders(request.headers, customerBody))
  response.end(customerBody)
}).listen(Number(process.argv[2]), '127.0.0.1')

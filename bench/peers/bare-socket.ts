/**
 * The floor: what Node's sockets cost when a head is only looked for, and each answered with the same bytes. It reads as
 * Layby's front end reads, and writes once for each answer.
 * Call: bare-socket.js <port>
 */
import { createServer } from 'node:net'
import { listenTo } from '../../src/wire/input.ts'
import { contractHeaders } from './contract-headers.ts'
import { customerBody } from './customer-body.ts'

const REQUEST_ID = /\r\nx-request-id: ([0-9a-f-]{36})\r\n/i

const fixed = Object.entries(contractHeaders({}, customerBody))
  .filter(([name]) => name !== 'X-REQUEST-ID')
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

function answerTo(head: string): string {
  const [, id = ''] = REQUEST_ID.exec(head) ?? []
  return `HTTP/1.1 200 OK\r\n${fixed}X-REQUEST-ID: ${id}\r\n\r\n${customerBody}`
}

createServer((socket) => {
  let text = ''
  socket.on('error', () => socket.destroy())
  listenTo(socket, (more) => {
    text += more
    for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
      socket.write(answerTo(text.slice(0, end + 2)), 'latin1')
      text = text.slice(end + 4)
    }
  })
}).listen(Number(process.argv[2]), '127.0.0.1')

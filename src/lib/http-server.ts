/**
 * Node's HTTP servers, as every listener gets them: the one place where they are made. An `error` event that has no
 * listener ends the process, and Node's server takes its own listener off a socket before it emits `connect` or
 * `upgrade`. So every socket that is accepted, and the TLS socket on top of it, gets a listener that stays for as long
 * as the socket lives, before anything else sees the socket.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TlsOptions, Server as TlsServer } from 'node:tls'
import { isEnding, type Lingering } from './lingering.ts'
import { oweAnswer, whenNoneIsOwed } from './owed-answers.ts'
import { whenFirstByte } from './plain-on-tls.ts'

/** Half of what Node keeps, names and values counted: of a list up to here nothing is missing. */
const MAX_KEPT_FIELDS = 1_000

const LEAST_TLS = { minVersion: 'TLSv1.2' } as const

export interface HttpServerSettings {
  readonly options: ServerOptions
  /** Null: plain HTTP. `refusePlain` answers, in plain HTTP, a client that speaks it here, and ends the connection. */
  readonly tls: {
    readonly options: TlsOptions
    readonly refusePlain: (socket: Socket) => void
  } | null
  readonly handle: (req: IncomingMessage, res: ServerResponse) => void
  /** Whether `handle` says itself when the client is to send the content that it has announced (`Expect: 100-continue`). */
  readonly continuesItself: boolean
  /** Ends the connections on which an answer is the last one. */
  readonly lingering: Lingering
  /** Answers a CONNECT, and ends the connection. All that was asked before it is answered. */
  readonly refuseConnect: (socket: Socket) => void
}

export function createHttpServer({
  options,
  tls,
  handle,
  continuesItself,
  lingering,
  refuseConnect,
}: HttpServerSettings): Server {
  const handleOwed = (req: IncomingMessage, res: ServerResponse): void => {
    oweAnswer(req.socket, res)
    // Node calls it when it has written the last answer.
    req.socket.destroySoon = destroySoon
    handle(req, res)
  }
  const destroySoon = function (this: Socket): void {
    if (isEnding(this)) lingering.end(this)
    else Socket.prototype.destroySoon.call(this)
  }
  const server =
    tls === null
      ? createServer(options, handleOwed)
      : createTlsServer({ ...options, ...tls.options, minVersion: 'TLSv1.2' }, handleOwed)
  ignoreUpgrades(server)
  // guard: socket-errors
  server.prependListener('connection', keepErrorListener)
  if (tls !== null) {
    server.prependListener('secureConnection', keepErrorListener)
    const giveToTls = acceptFirst(server, 'connection', (socket) =>
      whenFirstByte(socket, (isPlain) => (isPlain ? tls.refusePlain(socket) : giveToTls(socket))),
    )
  }
  // A connection that can't be accepted (no file descriptor, no memory) is an error of the server. It costs that
  // connection; whoever listens hears of errors of listening in addition.
  server.on('error', ignore)
  // Whether an expectation is met is for the handler to say: without a listener Node answers, unseen.
  server.on('checkExpectation', handleOwed)
  if (continuesItself) server.on('checkContinue', handleOwed)
  server.on('connect', (_req, socket) => {
    whenNoneIsOwed(socket as Socket, () => refuseConnect(socket as Socket))
  })
  return server
}

/** Handshakes from now on are by this certificate; connections that there are stay. */
export function renewTls(server: Server, tls: TlsOptions): void {
  if (server instanceof TlsServer) server.setSecureContext({ ...tls, ...LEAST_TLS })
}

/** The event by which a server gets the sockets that HTTP is read from; a TLS server's `connection` is the handshake. */
function socketEvent(server: Server): 'connection' | 'secureConnection' {
  return server instanceof TlsServer ? 'secureConnection' : 'connection'
}

function socketListeners(
  server: Server,
  event: 'connection' | 'secureConnection' = socketEvent(server),
): ((socket: Socket) => void)[] {
  const listeners = server.listeners(event) as ((socket: Socket) => void)[]
  return listeners.filter((listener) => listener !== keepErrorListener)
}

/**
 * Puts another reader of HTTP before Node's.
 *
 * @param accept gets each socket that comes in; it has its error listener already
 * @returns gives a socket to Node's server for good
 */
export function acceptBefore(
  server: Server,
  accept: (socket: Socket) => void,
): (socket: Socket) => void {
  return acceptFirst(server, socketEvent(server), accept)
}

/** The same for one of two events: a TLS server's `connection` comes before the handshake. */
export function acceptFirst(
  server: Server,
  event: 'connection' | 'secureConnection',
  accept: (socket: Socket) => void,
): (socket: Socket) => void {
  const own = socketListeners(server, event)
  for (const listener of own) server.off(event, listener)
  server.on(event, accept)
  return (socket) => {
    for (const listener of own) listener.call(server, socket)
  }
}

/**
 * A server may ignore `Upgrade` (RFC 9110 section 7.8): the request is served as if it were not there, and so is what
 * was sent behind it. Node's parser stops at such a request all the same, and where nobody listens for `upgrade`, what
 * came behind it in the same packet is lost and never answered. So the request is put back in front of the rest, without
 * that field, and read anew:
 *
 * 1. the parser has let go of the socket; head and rest go back into the stream;
 * 2. answers to what was asked before are still being written, by objects that know the old parser only;
 * 3. once there are none, a new parser is put on the socket. Sooner, its answers would be written between those.
 */
function ignoreUpgrades(server: Server): void {
  const accept = socketListeners(server)
  server.on('upgrade', (req: IncomingMessage, stream: Duplex, rest: Buffer) => {
    const { socket, rawHeaders } = req
    // Other versions of Node may hand out a stream of their own, which can't be read anew; and Node keeps so many
    // fields only, so that one which says how long the content is may be missing.
    if (stream !== socket || rawHeaders.length > MAX_KEPT_FIELDS) {
      stream.destroy()
      return
    }
    socket.pause()
    // guard: ignored-upgrade
    socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(req), 'latin1'), rest]))
    whenNoneIsOwed(socket, () => {
      // An answer may have been the last one of its connection.
      if (!socket.writable) {
        if (!isEnding(socket)) socket.destroy()
        return
      }
      for (const listener of accept) listener.call(server, socket)
      socket.resume()
    })
  })
}

/** No longer than the head that was received, so that no limit is met the second time. */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.toLowerCase() !== 'upgrade') head += `${name}:${rawHeaders[i + 1]}\r\n`
  }
  return `${head}\r\n`
}

/** Node destroys a socket that fails; its `close` event is what the rest goes by. */
function keepErrorListener(socket: Socket): void {
  socket.on('error', ignore)
}

function ignore(): void {}

/** Listens and closes, to find out whether it can. @throws the error of listening */
export async function listenOnce(address: {
  readonly host: string
  readonly port: number
}): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ ...address, exclusive: true }, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}

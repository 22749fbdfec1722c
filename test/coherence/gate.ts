import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The way of one instance to Redis, on which things can go wrong. */
export interface Gate {
  readonly port: number
  /** Where new connections lead. */
  retarget(port: number): void
  /** Ends what is open and refuses what comes. */
  cut(isCut: boolean): void
  /** Swallows what Redis says on connections that subscribe, which stay open. */
  deafen(isDeaf: boolean): void
  /** Delays what Redis says. Milliseconds. */
  delay(milliseconds: number): void
  reset(): void
  close(): Promise<void>
}

export async function openGate(target: number): Promise<Gate> {
  let leadsTo = target
  let isCut = false
  let isDeaf = false
  let delayMs = 0
  const pairs = new Set<readonly [Socket, Socket]>()
  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    let subscribes = false
    const redis = connect(leadsTo, '127.0.0.1')
    const pair = [client, redis] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        for (const each of pair) each.destroy()
      })
    }
    client.on('data', (bytes: Buffer) => {
      if (/subscribe/i.test(bytes.toString('latin1'))) subscribes = true
      if (!redis.destroyed) redis.write(bytes)
    })
    redis.on('data', (bytes: Buffer) => {
      if (isDeaf && subscribes) return
      const pass = (): void => {
        if (!client.destroyed) client.write(bytes)
      }
      if (delayMs === 0) pass()
      else setTimeout(pass, delayMs)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reset = (): void => {
    for (const pair of [...pairs]) for (const socket of pair) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    retarget: (port) => {
      leadsTo = port
    },
    cut: (value) => {
      isCut = value
      if (value) reset()
    },
    deafen: (value) => {
      isDeaf = value
    },
    delay: (milliseconds) => {
      delayMs = milliseconds
    },
    reset,
    close: async () => {
      reset()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

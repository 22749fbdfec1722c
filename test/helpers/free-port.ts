/** Ports that are chosen before anything listens on them. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below what systems give to whoever asks for any port, and to those who connect (from 32,768 on Linux, from 49,152
 * elsewhere). A port of theirs that was free a moment ago may be another test's by now.
 */
const LOWEST = 20_000
const HIGHEST = 32_000

/** A port on loopback on which nothing listens, and nothing will that does not ask for it by number. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

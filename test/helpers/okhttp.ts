import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const SOURCE = fileURLToPath(new URL('../../../test/okhttp/OkHttpReader.java', import.meta.url))
/** Where Debian puts them. */
const JARS = '/usr/share/java/okhttp.jar:/usr/share/java/okio.jar'

/** An Android app's HTTP client, with a disk cache that outlives it. */
export interface OkHttp {
  /** @returns status, status of the network's answer or `-`, `cache` or `network`, body */
  read(url: string): Promise<string>
}

/** Killed when the test ends. */
export function startOkHttp(t: Test, cacheFolder: string): OkHttp {
  const child = spawn('java', ['-cp', JARS, SOURCE, cacheFolder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    async read(url) {
      child.stdin.write(`${url}\n`)
      const { value, done } = await lines.next()
      return done === true ? 'ended' : value
    },
  }
}

/**
 * Files of TLS are read anew when they change, without a restart: by the rules of the start, so that what a start would
 * refuse is not taken. Then what was read before stays in use, and so it is said.
 */
import { FileChanges } from '../lib/file-changes.ts'
import type { TlsFile } from '../lib/tls-file.ts'
import { ConfigError } from './config-error.ts'
import { certificateExpiries, readCertificates, readTls, type TlsFiles } from './files.ts'
import type { Config } from './schema.ts'

/** How often the files are looked at. Milliseconds. */
const LOOK_MS = 1_000

/** Who uses what the files hold. */
export interface TlsUsers {
  readonly server: (files: TlsFiles) => void
  readonly 'upstream-ca': (pem: string) => void
  readonly 'redis-ca': (pem: string) => void
}

export interface TlsObserver {
  /** @param fault why what the file holds now is not used; null: it is */
  tlsReloaded(file: TlsFile, fault: string | null): void
}

export class TlsReloads {
  readonly #config: Config
  readonly #observer: TlsObserver
  readonly #changes: readonly FileChanges[]
  #users: TlsUsers | null = null
  #timer: NodeJS.Timeout | undefined
  #expiries: ReturnType<typeof certificateExpiries>

  /**
   * To be made before the files are read for use: what changes from here on is noticed.
   *
   * @throws ConfigError when one can't be used
   */
  constructor(config: Config, observer: TlsObserver) {
    this.#config = config
    this.#observer = observer
    this.#changes = watchedFiles(config).map(
      ([file, paths]) => new FileChanges(paths, () => this.#reload(file)),
    )
    this.#expiries = certificateExpiries(config)
  }

  /** Files that are configured. */
  get files(): TlsFile[] {
    return watchedFiles(this.#config).map(([file]) => file)
  }

  /** When what is in use expires. */
  get expiries(): ReturnType<typeof certificateExpiries> {
    return this.#expiries
  }

  start(users: TlsUsers): void {
    this.#users = users
    if (this.#changes.length === 0) return
    this.#timer = setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    for (const changes of this.#changes) void changes.look()
  }

  #reload(file: TlsFile): void {
    try {
      this.#use(file)
      this.#observer.tlsReloaded(file, null)
    } catch (error) {
      // guard: broken-tls-file
      if (!(error instanceof ConfigError)) throw error
      this.#observer.tlsReloaded(file, error.message)
    }
  }

  #use(file: TlsFile): void {
    const { server, upstream, redis } = this.#config
    if (file === 'server') {
      const files = readTls(server.tls)
      if (files !== null) this.#users?.server(files)
    } else {
      const isRedis = file === 'redis-ca'
      const pem = isRedis
        ? readCertificates('redis.ca', redis.ca)
        : readCertificates('upstream.ca', upstream.ca)
      if (pem !== null) this.#users?.[file](pem)
    }
    const { [file]: expiresAt } = certificateExpiries(this.#config)
    this.#expiries = { ...this.#expiries, [file]: expiresAt }
  }
}

function watchedFiles({ server, upstream, redis }: Config): [TlsFile, string[]][] {
  const all: [TlsFile, (string | null)[]][] = [
    ['server', [server.tls.cert, server.tls.key]],
    ['upstream-ca', [upstream.ca]],
    ['redis-ca', [redis.ca]],
  ]
  return all.filter((each): each is [TlsFile, string[]] => !each[1].includes(null))
}

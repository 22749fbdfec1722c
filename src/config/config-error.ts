/** What is wrong with a configuration. A value is never repeated: it may be a secret. */

/** `key` is the key at fault, or the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly key: string

  constructor(key: string, reason: string) {
    super(`${key}: ${reason}`)
    this.key = key
  }
}

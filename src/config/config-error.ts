/** What is wrong with a configuration. A value is never repeated: it may be a secret. */

/** `key` is the key at fault, or the file. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly key: string

  constructor(key: string, reason: string) {
    super(`${key}: ${reason}`)
    this.key = key
  }

  /** The same, with what else there is to say. */
  and(more: string): ConfigError {
    return new ConfigError(this.key, `${this.message.slice(this.key.length + 2)}; ${more}`)
  }
}

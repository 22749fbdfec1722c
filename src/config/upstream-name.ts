/** What the upstream is called where operators see it. */
import type { Config } from './schema.ts'

/** Host and port as they are configured: no credentials, no path. */
export function upstreamName({ upstream }: Pick<Config, 'upstream'>): string {
  return new URL(upstream.url).host
}

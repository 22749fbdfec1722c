/** What every fill tells the API of where clients ask: by configuration alone, so that fills never differ by their client. */

/**
 * @param publicUrl as clients have it; null: nothing is told
 * @returns names and values in turn
 */
export function publicFields(
  mode: 'off' | 'x-forwarded' | 'forwarded',
  publicUrl: string | null,
): readonly string[] {
  if (mode === 'off' || publicUrl === null) return []
  const { host, protocol } = new URL(publicUrl)
  const proto = protocol.slice(0, -1)
  return mode === 'forwarded'
    ? ['forwarded', `host="${host}";proto=${proto}`]
    : ['x-forwarded-proto', proto, 'x-forwarded-host', host]
}

import type { Test } from 'tap'
import type { Overrides } from '../../src/app.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { buildTestApp, type TestApp } from './app.ts'

type Values = { readonly [group: string]: Record<string, unknown> }

/** Instances that share a Redis, on the machine's clock. Resolves when each hears the others, and believes what lies there. */
export async function startInstances(
  t: Test,
  count: number,
  upstreamUrl: string,
  redis: Record<string, unknown>,
  values: Values = {},
  overrides: Overrides = {},
  isRedisThere = true,
): Promise<TestApp[]> {
  const instances: TestApp[] = []
  for (let i = 0; i < count; i++) {
    instances.push(
      await buildTestApp(
        t,
        upstreamUrl,
        { ...values, redis: { ...redis, ...values['redis'] } },
        { clock: systemClock, ...overrides },
      ),
    )
  }
  if (isRedisThere) await untilSharing(instances)
  return instances
}

/** Until each hears the others, and believes what lies in Redis. */
export async function untilSharing(instances: readonly TestApp[]): Promise<void> {
  for (const instance of instances) {
    await until(async () => {
      const isLive = (await gauge(instance, 'layby_bus_live')) === 1
      return isLive && (await gauge(instance, 'layby_redis_trusted')) === 1
    })
  }
}

/** The value of a metric without labels. */
export async function gauge(instance: TestApp, name: string): Promise<number> {
  const text = await (await fetch(`${instance.opsUrl}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}

/** Asks until the answer is yes; gives up after a generous time. */
export async function until(
  isSo: () => Promise<boolean> | boolean,
  limitMs = 60_000,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('it did not become so')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

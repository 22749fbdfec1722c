import type { ApiVersion } from './accounts.ts'
import type { Json } from './json.ts'
import type { Customer } from './records.ts'
import type { Reply } from './reply.ts'
import { done, refuse } from './reply.ts'
import type { View } from './roles.ts'
import type { RouteParameters } from './routes.ts'
import type { CustomerStore } from './store.ts'
import { isVisible } from './views.ts'

/** Everything an operation needs, once token, tenant, version and role have been checked. */
export interface OperationContext {
  readonly store: CustomerStore
  readonly tenant: string
  readonly view: View
  readonly apiVersion: ApiVersion
  readonly parameters: RouteParameters
  /** The query string without `?`; parsed only by the operations that take parameters. */
  readonly query: string
  readonly body: Json | undefined
}

export type Operation = (context: OperationContext) => Reply

/** A 404 about the record that a path parameter should have named. */
export function missing(model: string): Reply {
  return refuse({ status: 404, field: `${model}.id`, detail: 'Not found.' })
}

/** Runs an operation on the customer of the path, if there is one that the caller may see. */
export function onCustomer(
  run: (customer: Customer, context: OperationContext) => Reply,
): Operation {
  return (context) => {
    const customer = context.store.find(context.tenant, context.parameters['customer_id'] ?? '')
    if (customer === undefined || !isVisible(customer, context.view)) return missing('Customer')
    return run(customer, context)
  }
}

/** A piece of a list and what the envelope says of it. */
export interface Page {
  readonly index: number
  readonly limit: number
}

/** `page_index` and `page_limit` of the query, or the 400 they deserve. */
export function readPage(query: URLSearchParams): Page | Reply {
  const index = readBounded(query.get('page_index') ?? '1', 10_000)
  if (index === undefined) return badParameter('page_index')
  const limit = readBounded(query.get('page_limit') ?? '50', 1_000)
  if (limit === undefined) return badParameter('page_limit')
  return { index, limit }
}

export function badParameter(name: string): Reply {
  return refuse({ status: 400, field: `Query.${name}`, detail: 'The value is not accepted.' })
}

function readBounded(text: string, max: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return value >= 1 && value <= max ? value : undefined
}

/** Contract 6.8. `results` is the page already cut out of the list. */
export function paged(page: Page, total: number, results: Json[]): Reply {
  return done({
    current_limit: BigInt(page.limit),
    current_page: BigInt(page.index),
    results,
    total_count: BigInt(Math.min(total, 100_000)),
    total_pages: BigInt(Math.min(Math.ceil(total / page.limit), 1_000)),
  })
}

/** Cuts the page that the query asks for out of a whole list. */
export function pageOf(context: Pick<OperationContext, 'query'>, all: Json[]): Reply {
  const page = readPage(new URLSearchParams(context.query))
  if ('status' in page) return page
  const start = (page.index - 1) * page.limit
  return paged(page, all.length, all.slice(start, start + page.limit))
}

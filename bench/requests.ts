/** What every client of the benchmark sends: the headers of a real caller of the API. */
import type { Headers } from './http-client.ts'

export const customerPath = '/customers/48213'
/** `{id}` stands for one that was not asked for before. */
export const anyCustomerPath = '/customers/{id}'
export const addressesPath = '/customers/1/addresses'

/** 92 characters, in the form that contract section 4 describes: two parts and a third. */
const token =
  'Zm9vLWJhci1kcml2ZXItNzQ.eyJub3QiOiJhIHJlYWwgdG9rZW4iLCJmb3IiOiJiZW5jaCJ9.c2lnbmF0dXJlLTAxMjM'

/**
 * Without x-request-id: that one differs from request to request.
 */
export const clientHeaders: Headers = {
  authorization: `Bearer ${token}`,
  'x-tenant-id': '7004321',
  'x-api-version': '2023/04/19',
  accept: 'application/json',
  'accept-encoding': 'gzip, deflate, br',
  'user-agent': 'field-app/5.12.0 (Android 15; driver)',
  'content-type': 'application/json',
}

let lastId = 10_000_000

/** The first of `count` ids that nothing else asks for. */
export function unusedId(count: number): number {
  const id = lastId + 1
  lastId += count
  return id
}

export function withId(path: string, id: number): string {
  return path.replace('{id}', `${id}`)
}

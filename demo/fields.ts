import type { Json, JsonObject } from './json.ts'
import type { Reply } from './reply.ts'
import { refuse } from './reply.ts'

type Kind = 'string' | 'date' | 'boolean' | 'integer' | 'float' | 'array'

interface Field {
  readonly kind: Kind
  readonly required?: boolean
  readonly nullable?: boolean
  /** Length of a string, or value of a number. */
  readonly min?: number
  readonly max?: number
}

/** A request body the API accepts: its name in error messages and its fields (contract 6.6). */
export interface Model {
  readonly name: string
  readonly fields: Readonly<Record<string, Field>>
}

const text = (min: number, max: number): Field => ({ kind: 'string', min, max })
const maybeText = (min: number, max: number): Field => ({ ...text(min, max), nullable: true })
const required = (field: Field): Field => ({ ...field, required: true })
const BOOLEAN: Field = { kind: 'boolean' }
const MAYBE_ID: Field = { kind: 'integer', nullable: true, min: 1 }
const LATITUDE: Field = { kind: 'float', min: -90, max: 90 }
const LONGITUDE: Field = { kind: 'float', min: -180, max: 180 }

const LINES = { line_2: maybeText(0, 256), line_3: maybeText(0, 256), line_4: maybeText(0, 256) }

const SETTINGS = {
  account_number_1: maybeText(0, 128),
  account_number_2: maybeText(0, 128),
  is_commercial: BOOLEAN,
  note: maybeText(0, 2048),
  reference_number: maybeText(1, 256),
  renewal_date: { kind: 'date', nullable: true },
  sales_rep: maybeText(1, 64),
  sales_rep_id: maybeText(0, 64),
  suspension_id: MAYBE_ID,
} satisfies Record<string, Field>

export const UPDATE_CUSTOMER: Model = {
  name: 'UpdateCustomerModel',
  fields: { name: text(1, 64), parent_id: MAYBE_ID },
}

export const CREATE_CUSTOMER: Model = {
  name: 'CreateCustomerModel',
  fields: {
    ...SETTINGS,
    name: required(text(1, 64)),
    parent_id: MAYBE_ID,
    addresses: { kind: 'array', required: true },
    contacts: { kind: 'array', required: true },
  },
}

export const CREATE_ADDRESS: Model = {
  name: 'CreateCustomerAddressModel',
  fields: {
    ...LINES,
    country: maybeText(2, 2),
    is_billing: BOOLEAN,
    is_physical: BOOLEAN,
    is_shipping: BOOLEAN,
    latitude: LATITUDE,
    line_1: required(text(1, 256)),
    locality: required(text(1, 86)),
    longitude: LONGITUDE,
    postcode: required(text(1, 86)),
    region: required(text(1, 32)),
  },
}

export const UPDATE_ADDRESS: Model = {
  name: 'UpdateCustomerAddressModel',
  fields: {
    ...LINES,
    country: required(maybeText(2, 2)),
    is_billing: required(BOOLEAN),
    is_shipping: required(BOOLEAN),
    latitude: required(LATITUDE),
    line_1: required(text(1, 256)),
    locality: required(text(1, 86)),
    longitude: required(LONGITUDE),
    postcode: required(text(1, 86)),
    region: required(text(1, 32)),
  },
}

const CONTACT_FIELDS: Record<string, Field> = {
  email: text(0, 256),
  fax: maybeText(7, 15),
  name: text(1, 128),
  notify_on_acknowledged_request: BOOLEAN,
  notify_on_completed_request: BOOLEAN,
  notify_on_dispatched_request: BOOLEAN,
  notify_on_failed_request: BOOLEAN,
  notify_on_new_request: BOOLEAN,
  number: text(1, 90),
}

export const CREATE_CONTACT: Model = { name: 'CreateCustomerContactModel', fields: CONTACT_FIELDS }
export const UPDATE_CONTACT: Model = { name: 'UpdateCustomerContactModel', fields: CONTACT_FIELDS }
export const CREATE_LOCATION: Model = { name: 'CreateCustomerLocationModel', fields: SETTINGS }
export const UPDATE_LOCATION: Model = {
  name: 'UpdateCustomerLocationModel',
  fields: { ...SETTINGS, is_active: BOOLEAN },
}

/** The fields of a body that passed, each in the type its model gives it. */
export interface Checked {
  readonly values: JsonObject
}

/** Checks a body against its model: unknown fields, missing ones, types, limits. */
export function check(model: Model, body: Json | undefined): Checked | Reply {
  if (!isObject(body)) return rejected(`${model.name}.body`, 'A JSON object is expected.')
  const values: JsonObject = {}
  for (const [key, value] of Object.entries(body)) {
    const field = Object.hasOwn(model.fields, key) ? model.fields[key] : undefined
    if (field === undefined) return rejected(`${model.name}.${key}`, 'This field is not accepted.')
    const read = readValue(field, value)
    if (read === undefined) {
      return rejected(`${model.name}.${key}`, `A valid ${field.kind} is expected.`)
    }
    values[key] = read
  }
  for (const [key, field] of Object.entries(model.fields)) {
    if (field.required === true && !Object.hasOwn(values, key)) {
      return rejected(`${model.name}.${key}`, 'This field is required.')
    }
  }
  return { values }
}

/** A 400 about the body of a request. */
export function rejected(field: string, detail: string): Reply {
  return refuse({ status: 400, field, detail, explanation: 'The request body was rejected.' })
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function within(field: Field, size: number): boolean {
  return size >= (field.min ?? Number.NEGATIVE_INFINITY) && size <= (field.max ?? Infinity)
}

function readValue(field: Field, value: Json): Json | undefined {
  if (value === null) return field.nullable === true ? null : undefined
  switch (field.kind) {
    case 'string':
      return typeof value === 'string' && within(field, value.length) ? value : undefined
    case 'date':
      return typeof value === 'string' && isDate(value) ? value : undefined
    case 'boolean':
      return readBoolean(value)
    case 'integer':
      return typeof value === 'bigint' && value < 1n << 63n && within(field, Number(value))
        ? value
        : undefined
    case 'float':
      return readFloat(field, value)
    case 'array':
      return Array.isArray(value) ? value : undefined
    default:
      return field.kind satisfies never
  }
}

function isDate(value: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(T[\d:.]+)?$/.test(value) && !Number.isNaN(Date.parse(value))
}

function readFloat(field: Field, value: Json): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  return within(field, Number(value)) ? Number(value) : undefined
}

/** Input booleans are `0`, `1`, `True`, `False` in any letter case (contract 2). */
export function readBoolean(value: Json): boolean | undefined {
  const word = String(value).toLowerCase()
  if (word === 'true' || word === '1') return true
  return word === 'false' || word === '0' ? false : undefined
}

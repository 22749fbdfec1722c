/** The kinds of values that the schema is made of, each with its bounds. */
import Type, { type TSchema } from 'typebox'

export const port = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65_535, default: fallback, description })
export const milliseconds = (fallback: number, description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: 86_400_000, default: fallback, description })
/** Of a client's own cache; 0: none. */
export const seconds = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 31_536_000, default: 0, description })
export const bytes = (fallback: number, description: string, minimum = 1) =>
  Type.Integer({ minimum, maximum: 1_099_511_627_776, default: fallback, description })
/** Of the connections to the API. */
export const share = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 10_000, default: 0, description })
export const optionalText = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description })
export const list = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { default: [], description })
/** Its variable may name a file in its place: see secret-files.ts. */
export const secret = <T extends TSchema>(schema: T): T => ({ ...schema, isSecret: true })
export const choice = <const T extends string[]>(
  values: [...T],
  fallback: T[number],
  description: string,
) => Type.Enum(values, { default: fallback, description })
export const group = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false, default: {} })

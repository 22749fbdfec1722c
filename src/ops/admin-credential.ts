/**
 * `POST /admin/credential`: from a token to the keyed hash under which the cache knows it. The token is in the
 * content, where no log or history keeps it, and goes no further.
 */
import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { AdminRoute } from './admin-route.ts'

const CredentialBody = Type.Object(
  { token: Type.String({ pattern: '^[\\x21-\\x7e]{1,249}$' }) },
  {
    additionalProperties: false,
    description: 'send {"token": "…"}: the token alone, without "Bearer"',
  },
)
type CredentialBody = Static<typeof CredentialBody>

/** As `Credentials.of`. */
export type CredentialOf = (authorization: string) => {
  readonly partition: string
  readonly former: readonly { readonly partition: string }[]
}

export function credentialRoute(credentialOf: CredentialOf): AdminRoute {
  return {
    method: 'POST',
    path: '/credential',
    action: 'name-credential',
    schema: { body: CredentialBody },
    asked: () => ({}),
    handle: async ({ body }: FastifyRequest) => {
      const { token } = body as CredentialBody
      const { partition, former } = credentialOf(`Bearer ${token}`)
      const retired = former.map((each) => each.partition)
      return {
        status: 200,
        // Under secrets that are being retired it has other names: a purge must name them all.
        body: { credential: partition, ...(retired.length === 0 ? {} : { former: retired }) },
        facts: { credential: partition },
      }
    },
  }
}

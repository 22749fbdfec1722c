/** The operations listener. */
import Type from 'typebox'
import { group, optionalText, port, secret } from '../value-kinds.ts'

export const ops = group({
  host: Type.String({
    minLength: 1,
    // guard: ops-on-loopback
    default: '127.0.0.1',
    description: 'Address of the operations listener.',
  }),
  hosts: Type.Array(
    Type.String({
      minLength: 1,
      pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[^\\s:/@\\[\\]]+)$',
      description: 'names and addresses without scheme and port, IPv6 in brackets',
    }),
    {
      default: [],
      description:
        'Names, without port, under which the operations listener is asked, beside those of loopback. On loopback no others are answered; elsewhere any name is where none is set, and addresses always are.',
    },
  ),
  port: port(9003, 'Port of the operations listener; 0: any free one.'),
  adminToken: secret(
    optionalText(
      'Token for the admin API, at least 16 characters; left out: there is none. See docs/admin.md.',
    ),
  ),
})

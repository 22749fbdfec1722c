/** Which web apps of other origins may read answers (Fetch, section 3.2). */
import Type from 'typebox'
import { group, list } from '../value-kinds.ts'

export const cors = group({
  origins: list(
    'Origins whose pages may read answers, as `https://app.example`; `*`: all. Then Layby says so on every answer, and answers preflights. Empty: the API’s own answers count, see docs/browsers.md.',
  ),
  methods: list(
    'With `cors.origins`: methods that their pages may use. Empty: GET, HEAD, POST, PUT, PATCH and DELETE.',
  ),
  headers: list(
    'With `cors.origins`: request headers that their pages may set, beside those of the API’s contract and those that Layby reads itself.',
  ),
  credentials: Type.Boolean({
    default: false,
    description: 'With `cors.origins`: whether their pages may send cookies and the like.',
  }),
  maxAgeSeconds: Type.Integer({
    minimum: 0,
    maximum: 86_400,
    default: 600,
    description:
      'How long a browser may keep the answer to a preflight; where the API’s own answers count, no longer than these are remembered.',
  }),
})

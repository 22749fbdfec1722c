/** From what Node's HTTP server says of bytes that it could not read to a problem of the catalogue. */
import type { ProblemCode } from './problems.ts'

/** What Node tells of such bytes. */
export interface ParseFault {
  readonly code?: string | undefined
  readonly reason?: string | undefined
  /** What was received last. */
  readonly rawPacket?: Buffer | undefined
  /** How much of it was read before the fault. */
  readonly bytesParsed?: number | undefined
}

export function problemOfFault(fault: ParseFault): ProblemCode {
  switch (fault.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'header_too_large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout'
    case 'HPE_INVALID_METHOD':
      return isInMethod(fault) ? 'method_not_implemented' : 'malformed_request'
    case 'HPE_INVALID_CONSTANT':
      // A method that the parser knows of another protocol (RTSP).
      return fault.reason === OF_ANOTHER_PROTOCOL ? 'method_not_implemented' : 'malformed_request'
    default:
      return 'malformed_request'
  }
}

const OF_ANOTHER_PROTOCOL = 'Invalid method for HTTP/x.x request'
/** As much as a head may have. */
const MAX_LOOKED_AT = 16_384
/** The rest of a request line, from within its method on; what is longer is no method. */
const REST_OF_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{0,256} [!-~]+ HTTP\/1\.[01]\r?\n/
const TOKEN_CHARACTER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]$/

/** Whether the parser has stopped within, or right behind, the method of a request line that is one. */
function isInMethod({ rawPacket, bytesParsed = 0 }: ParseFault): boolean {
  if (rawPacket === undefined) return false
  const rest = rawPacket.toString('latin1', bytesParsed, bytesParsed + MAX_LOOKED_AT)
  const before = rawPacket.toString('latin1', Math.max(0, bytesParsed - 1), bytesParsed)
  const touchesMethod = TOKEN_CHARACTER.test(before) || TOKEN_CHARACTER.test(rest.charAt(0))
  return touchesMethod && REST_OF_LINE.test(rest)
}

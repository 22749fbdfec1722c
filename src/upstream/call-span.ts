/** A call to the upstream, as its trace tells of it: by method and status, without path and address. */
import type { Span } from '../lib/tracer.ts'

export function endCall(call: Span, method: string, status: number): void {
  const attributes = { 'http.request.method': method, 'http.response.status_code': status }
  call.end(attributes, status >= 400 ? String(status) : null)
}

/** @param problem a closed word */
export function failCall(call: Span, method: string, problem: string): void {
  call.end({ 'http.request.method': method }, problem)
}

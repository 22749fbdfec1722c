/** Log lines for people, where the process's own are for machines. */
import { build as pinoPretty } from 'pino-pretty'

/** Of a request's line, what the sentence made of it says already, or what only machines ask for. */
const TOLD = [
  'ecs.version',
  'service.name',
  'http.request.id',
  'http.request.method',
  'http.response.status_code',
  'event.duration',
  'event.outcome',
  'trace.id',
  'tenant',
  'route',
  'outcome',
  'tier',
  'reason',
  'age',
  'leader_request_id',
]

export function readableLog(): ReturnType<typeof pinoPretty> {
  return pinoPretty({
    messageKey: 'message',
    levelKey: 'log\\.level',
    timestampKey: '@timestamp',
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: sentenceOf,
    ignore: TOLD.map((name) => name.replaceAll('.', '\\.')).join(),
    singleLine: true,
    sync: true,
  })
}

/** `GET customer: 200, hit (memory), tenant 7, 0.3 ms` */
function sentenceOf(line: Record<string, unknown>): string {
  if (line['message'] !== 'request') return String(line['message'])
  const { route, reason, outcome, tenant } = line
  const what = [line['http.request.method'], route].filter((part) => part !== null).join(' ')
  const milliseconds = (Number(line['event.duration']) / 1e6).toFixed(1)
  const why = reason === null ? '' : ` (${reason})`
  const whose = tenant === null ? '' : `, tenant ${tenant}`
  return `${what}: ${line['http.response.status_code']}, ${outcome}${why}${whose}, ${milliseconds} ms`
}

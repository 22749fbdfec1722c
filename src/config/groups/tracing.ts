/** Spans and where they go. */
import Type from 'typebox'
import { group, optionalText } from '../value-kinds.ts'

export const tracing = group({
  otlpUrl: optionalText(
    'Where spans are posted to, as OTLP over HTTP: `http://collector:4318/v1/traces`. Left out: traces go on upstream, and no span is kept.',
  ),
  serviceName: Type.String({
    minLength: 1,
    maxLength: 100,
    default: 'layby',
    description: 'What the spans call this service.',
  }),
  sampleRatio: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description:
      'Share of the traces begun here that are marked as sampled; a trace that a request brings has its mark already.',
  }),
})

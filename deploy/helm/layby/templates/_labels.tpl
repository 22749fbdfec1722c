{{/* What selects the pods of this release; it can't be changed once they are there. */}}
{{- define "layby.selector" -}}
app.kubernetes.io/name: layby
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: proxy
{{- end }}

{{/* Of the objects. The name is the value of `job` in Prometheus (jobLabel), whatever the release is called. */}}
{{- define "layby.labels" -}}
app.kubernetes.io/name: layby
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The data of the ConfigMap; the pods have a hash of it, so that a changed configuration is rolled out. */}}
{{- define "layby.config" -}}
{{- range $variable, $value := .Values.config }}
{{ $variable }}: {{ $value | quote }}
{{- end }}
LAYBY_SERVER_DRAIN_DELAY_MS: {{ int .Values.drain.delayMs | quote }}
LAYBY_SERVER_DRAIN_TIMEOUT_MS: {{ int .Values.drain.timeoutMs | quote }}
{{- end }}

{{- define "fairlead.name" -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- end }}
{{- define "fairlead.labels" -}}
app.kubernetes.io/name: fairlead
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "fairlead.documents" -}}{{ .Values.existingConfigMap | default (printf "%s-documents" (include "fairlead.name" .)) }}{{- end }}
{{- define "fairlead.hasDocuments" -}}{{ if or .Values.documents .Values.existingConfigMap }}yes{{ end }}{{- end }}
{{- define "fairlead.manyReplicas" -}}{{ if or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}yes{{ end }}{{- end }}

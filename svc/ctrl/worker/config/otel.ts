/** The collector of traces: settings by the names that OpenTelemetry gave them. */
import {
  choiceSchema,
  type ConfigOf,
  field,
  fieldName,
  integerSchema,
  optionalUrlSchema,
  parsedSchema,
  secretField,
  textSchema,
} from "../../../../pkg/config/mod.ts";
import { FORMATS, parsePairs, SAMPLERS } from "../../../../pkg/otlp/mod.ts";

/** Set for other programs on many machines: it is a problem only where a collector is set, too. */
const NOT_SPOKEN = "grpc";
const NUMBER = /^(0|1|0?\.\d+|[01]\.\d*)$/;

export const OTEL_FIELDS = {
  otlpEndpoint: field({
    flag: "otlp-endpoint",
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    placeholder: "<url>",
    help:
      "Collector that gets the traces of deploys by OTLP over HTTP, e.g. http://collector:4318; /v1/traces is " +
      "appended. Default: none is sent.",
    schema: optionalUrlSchema(),
  }),
  otlpTracesEndpoint: field({
    flag: "otlp-traces-endpoint",
    env: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    placeholder: "<url>",
    help: "The same as the whole URL, to which nothing is appended. Goes before --otlp-endpoint.",
    schema: optionalUrlSchema(),
  }),
  otlpHeaders: secretField({
    env: "OTEL_EXPORTER_OTLP_HEADERS",
    help: "Headers for the collector, e.g. api-key=...,tenant=...; values are percent-encoded.",
    required: false,
  }),
  otlpProtocol: field({
    flag: "otlp-protocol",
    env: "OTEL_EXPORTER_OTLP_PROTOCOL",
    placeholder: "<form>",
    help: "Form of the requests: http/protobuf or http/json. gRPC is not spoken.",
    schema: choiceSchema([...FORMATS, NOT_SPOKEN]),
  }),
  otlpTimeout: field({
    flag: "otlp-timeout",
    env: "OTEL_EXPORTER_OTLP_TIMEOUT",
    placeholder: "<milliseconds>",
    help: "How long one request to the collector may take.",
    schema: integerSchema(10_000, 100, 30_000),
  }),
  tracesSampler: field({
    flag: "traces-sampler",
    env: "OTEL_TRACES_SAMPLER",
    placeholder: "<sampler>",
    help: `Traces that are sent: ${SAMPLERS.join(", ")}. parentbased: a caller's traceparent decides first.`,
    schema: choiceSchema(SAMPLERS),
  }),
  tracesSamplerArg: field({
    flag: "traces-sampler-arg",
    env: "OTEL_TRACES_SAMPLER_ARG",
    placeholder: "<ratio>",
    help: "Part of all traces that the samplers with traceidratio send, from 0 to 1.",
    schema: parsedSchema(
      (text) => NUMBER.test(text) && Number(text) <= 1 ? Number(text) : undefined,
      "must be a number between 0 and 1, e.g. 0.25",
    ),
  }),
  otelServiceName: field({
    flag: "otel-service-name",
    env: "OTEL_SERVICE_NAME",
    placeholder: "<name>",
    help: "Name of the platform in its spans, their service.name.",
    schema: textSchema("unkey"),
  }),
  otelResourceAttributes: field({
    flag: "otel-resource-attributes",
    env: "OTEL_RESOURCE_ATTRIBUTES",
    placeholder: "<name=value,...>",
    help: "More attributes of the sender, e.g. deployment.environment.name=production.",
    schema: parsedSchema(parsePairs, "must be like name=value,name=value with percent-encoded values"),
  }),
};

export type OtelConfig = ConfigOf<typeof OTEL_FIELDS>;

/** Rules between the settings. */
export function otelProblems(config: OtelConfig): readonly string[] {
  const { otlpHeaders, otlpProtocol } = config;
  const problems: string[] = [];
  if (otlpHeaders !== undefined && parsePairs(otlpHeaders.reveal()) === undefined) {
    problems.push(
      `${fieldName(OTEL_FIELDS.otlpHeaders)} must be like name=value,name=value with percent-encoded values`,
    );
  }
  if (otlpProtocol === NOT_SPOKEN && tracesUrl(config) !== undefined) {
    const words = FORMATS.join(" or ");
    problems.push(
      `${
        fieldName(OTEL_FIELDS.otlpProtocol)
      } must be ${words}, at the collector's port for HTTP (4318): gRPC is not spoken`,
    );
  }
  return problems;
}

/** The URL of the collector's traces; `undefined` when none are sent. */
export function tracesUrl({ otlpEndpoint, otlpTracesEndpoint }: OtelConfig): string | undefined {
  return otlpTracesEndpoint ?? (otlpEndpoint === undefined ? undefined : `${otlpEndpoint}/v1/traces`);
}

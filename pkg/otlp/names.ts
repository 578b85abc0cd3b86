/** The words of settings. */

/** The forms of a request, by their names in `OTEL_EXPORTER_OTLP_PROTOCOL`. The first one is the default. */
export const FORMATS = ["http/protobuf", "http/json"] as const;

/** The words of `OTEL_TRACES_SAMPLER`. The first one is the default. */
export const SAMPLERS = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

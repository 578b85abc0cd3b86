/**
 * Spans to a collector, by OpenTelemetry's protocol OTLP over HTTP.
 *
 * ```ts
 * const collector = await openCollector({ url, headers: {}, format: "http/protobuf", resource, timeoutMs: 10_000, fetch });
 * const outcome = await collector.send(spans, signal); // taken, refused for good, or away for now
 * ```
 *
 * @module
 */
export type { Collector, CollectorOptions, SendOutcome } from "./collector.ts";
export { FORMATS, type SamplerName, SAMPLERS } from "./names.ts";
export { openCollector, openSampler } from "./open.ts";
export { parsePairs } from "./pairs.ts";
export type { SampledTrace, Sampler } from "./sampler.ts";
export type { OtlpSpan } from "./span.ts";

/**
 * Traces of deploys: spans as they are reported, their way into the database, and the tree with its critical path.
 *
 * ```ts
 * const sink = new SpanSink({ db, clock, log });
 * sink.push(deploymentId, [{ source: "worker", key: "place", name: "place", startedAtMs, endedAtMs }]);
 * const { root, path } = assemble({ trace, spans, steps, nowMs });
 * ```
 *
 * @module
 */
export { assemble, type Assembled, phasesOf, type Share, sharesOf } from "./assemble.ts";
export { exportedSpans } from "./exported.ts";
export { ownTime, plain, readSpans } from "./reported.ts";
export { SpanSink, type SpanTaker } from "./sink.ts";
export { timed } from "./timed.ts";
export { type TraceNode } from "./tree.ts";
export { parseTraceParent, type TraceParent } from "./traceparent.ts";

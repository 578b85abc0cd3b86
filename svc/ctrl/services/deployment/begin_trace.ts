/** The first spans of a deploy: those of the command, and the create itself. */
import { newTraceId } from "../../../../pkg/uid/mod.ts";
import type { ClientTrace } from "../../../../proto/gen/ctrl/v1/trace_pb.ts";
import { createTrace, type NewSpan, type Tx } from "../../internal/store/mod.ts";
import { ownTime, parseTraceParent, readSpans } from "../../internal/traces/mod.ts";

/** The caller's part of the trace of its deploy. */
export interface RequestedTrace {
  /** The header `traceparent`. */
  readonly traceParent: string | null;
  readonly client: ClientTrace | undefined;
}

/** The trace of a deploy that begins. */
export interface BegunTrace {
  readonly startedAtMs: number;
  /** Of the client. */
  readonly spans: readonly NewSpan[];
  /** The begin of the call: it follows the last span of the client. */
  readonly calledAtMs: number;
}

const CLIENT_SPANS_MAX = 20;

/** Reads what a client has done before its call. Its times count by the control plane's clock. */
export function beginTrace({ client }: Pick<RequestedTrace, "client">, nowMs: number): BegunTrace {
  if (client === undefined) return { startedAtMs: nowMs, spans: [], calledAtMs: nowMs };
  const sentAtMs = Number(client.sentAt);
  const spans = readSpans(client.spans, {
    source: "client",
    region: "",
    sentAtMs,
    nowMs,
    spansMax: CLIENT_SPANS_MAX,
  });
  const startedAtMs = Math.min(
    ownTime(client.startedAt, { sentAtMs, nowMs }),
    ...spans.map((each) => each.startedAtMs),
  );
  return { startedAtMs, spans, calledAtMs: Math.max(startedAtMs, ...spans.map((each) => each.endedAtMs)) };
}

/** Records the trace of a new deployment, as a part of its caller's where it has one. */
export async function recordTrace(
  tx: Tx,
  deploymentId: string,
  { traceParent }: Pick<RequestedTrace, "traceParent">,
  { startedAtMs }: BegunTrace,
): Promise<void> {
  const parent = parseTraceParent(traceParent);
  await createTrace(tx, {
    deployment_id: deploymentId,
    trace_id: parent?.traceId ?? newTraceId(),
    parent_span_id: parent?.spanId ?? "",
    is_sampled: parent === undefined ? null : parent.isSampled ? 1 : 0,
    started_at: startedAtMs,
  });
}

/** The spans up to the end of the create. */
export function firstSpans({ spans, calledAtMs }: BegunTrace, nowMs: number): readonly NewSpan[] {
  const create = { source: "api", key: "create", name: "create" } as const;
  return [...spans, { ...create, startedAtMs: calledAtMs, endedAtMs: nowMs }];
}

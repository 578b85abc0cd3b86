/** A trace in the JSON of `unkey trace`. Times are milliseconds since the epoch. */
import type { DeploymentTrace, TraceSpan } from "../../proto/gen/ctrl/v1/trace_pb.ts";
import type { ReceiptJson } from "../shared/switch_receipt.ts";

export interface SpanJson {
  readonly id: string;
  /** Absent for a part of the deploy itself. */
  readonly parent?: string;
  readonly name: string;
  readonly detail?: string;
  readonly region?: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tookMs: number;
  /** `done`, `failed`, `cached` or `running` */
  readonly status: string;
  /** The deploy would have ended sooner if this had been shorter. */
  readonly critical: boolean;
  /** No part ran: its name says who was waited for. */
  readonly gap: boolean;
}

export interface ShareJson {
  readonly name: string;
  readonly tookMs: number;
}

export interface TraceJson {
  readonly id: string;
  readonly traceId: string;
  readonly startedAt: number;
  /** Absent while the deploy goes on. */
  readonly endedAt?: number;
  readonly tookMs: number;
  /** The status at its end; absent while it goes on. */
  readonly outcome?: string;
  /** Each behind the span that it is a part of. */
  readonly spans: readonly SpanJson[];
  /** The critical path's time by what was done in it. */
  readonly shares: readonly ShareJson[];
  /** The last successful deploy of the environment before it. */
  readonly before?: { readonly id: string; readonly tookMs: number; readonly phases: readonly ShareJson[] };
  /** Spans that were not kept, because there were too many. */
  readonly droppedSpans?: number;
  /** The edges' part, which comes after the deploy; absent when it did not take its environment's traffic. */
  readonly receipt?: ReceiptJson;
}

export function traceJson(
  trace: DeploymentTrace,
  { nowMs, receipt }: { readonly nowMs: number; readonly receipt?: ReceiptJson | undefined },
): TraceJson {
  const { endedAt, outcome, before, droppedSpans } = trace;
  const startedAt = Number(trace.startedAt);
  return {
    id: trace.deploymentId,
    traceId: trace.traceId,
    startedAt,
    ...(endedAt === 0n ? {} : { endedAt: Number(endedAt) }),
    tookMs: Math.max(0, (endedAt === 0n ? nowMs : Number(endedAt)) - startedAt),
    ...(outcome === "" ? {} : { outcome }),
    spans: trace.spans.map(spanJson),
    shares: trace.shares.map(shareJson),
    ...(before === undefined ? {} : {
      before: {
        id: before.deploymentId,
        tookMs: Number(before.tookMs),
        phases: before.phases.map(shareJson),
      },
    }),
    ...(droppedSpans === 0 ? {} : { droppedSpans }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

function spanJson(span: TraceSpan): SpanJson {
  const { parentId, detail, region } = span;
  const [startedAt, endedAt] = [Number(span.startedAt), Number(span.endedAt)];
  return {
    id: span.id,
    ...(parentId === "" ? {} : { parent: parentId }),
    name: span.name,
    ...(detail === "" ? {} : { detail }),
    ...(region === "" ? {} : { region }),
    startedAt,
    endedAt,
    tookMs: endedAt - startedAt,
    status: span.status,
    critical: span.critical,
    gap: span.gap,
  };
}

function shareJson({ name, tookMs }: { readonly name: string; readonly tookMs: bigint }): ShareJson {
  return { name, tookMs: Number(tookMs) };
}

import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { counter, type Meter, type Metrics, NO_METER, NO_METRICS } from "../../../../pkg/metrics/mod.ts";
import type { Collector, OtlpSpan, Sampler } from "../../../../pkg/otlp/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import {
  type ClaimedTrace,
  claimTrace,
  type CtrlDatabase,
  type DeploymentTracesTable,
  EXPORT_DELAY_MS,
  giveUpTraces,
  listDeploymentViewsByIds,
  listDueTraces,
  listSpans,
  releaseTrace,
} from "../../internal/store/mod.ts";
import { assemble, exportedSpans } from "../../internal/traces/mod.ts";

export interface TraceExportDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly metrics?: Metrics;
  readonly collector: Collector;
  readonly sampler: Sampler;
}

/** Spans on their way to the collector. */
export const TRACE_EXPORT_METRICS = {
  exported: counter("unkey_exported_spans_total", "Spans that the collector has taken."),
  dropped: counter(
    "unkey_dropped_spans_total",
    "Spans that no collector gets: refused by it, old after an hour without it, or beyond the bound of a deployment.",
    ["reason"],
  ),
  requests: counter("unkey_trace_export_requests_total", "Requests to the collector: taken, refused, away.", [
    "end",
  ]),
};

/** The end of a round: traces are left, none is left, or the collector is away. */
export type Round =
  | { readonly kind: "more" }
  | { readonly kind: "idle" }
  | { readonly kind: "away"; readonly retryAfterMs?: number | undefined };

const EVERY_MS = 5_000;
/** Of one request: at most 4,000 spans, about 1 MB. */
const BATCH_MAX = 10;
/** Longer than a request may take. A worker that dies keeps its traces from others for so long. */
const CLAIM_MS = 60_000;
const AGE_MS_MAX = 3_600_000;
const GIVEN_UP_MAX = 500;
const BACKOFF_MS = { first: 1_000, max: 60_000 };
/** Shorter than a process has for its end. */
const DRAIN_MS_MAX = 5_000;

/**
 * Sends traces of deploys that are over to a collector. The queue is in the database, so that no deploy waits for it, a worker
 * that dies loses nothing, and each trace is sent by one worker. Spans have ids that follow from their work: one that is
 * sent twice is the same span.
 */
export class TraceExporter {
  readonly #deps: TraceExportDeps;
  readonly #exported;
  readonly #dropped;
  readonly #requests;

  constructor(deps: TraceExportDeps) {
    const { metrics = NO_METRICS } = deps;
    this.#deps = deps;
    this.#exported = metrics.counter(TRACE_EXPORT_METRICS.exported);
    this.#dropped = metrics.counter(TRACE_EXPORT_METRICS.dropped);
    this.#requests = metrics.counter(TRACE_EXPORT_METRICS.requests);
  }

  /** Sends what is due until `signal` aborts. A collector that is away is asked less and less often, up to once a minute. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, meter = NO_METER } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const round = await meter(() => this.round(clock.now(), signal)).catch((error: unknown): Round => {
        if (!signal.aborted) log.warn("traces not exported", { error: describeError(error) });
        return { kind: "away" };
      });
      failures = round.kind === "away" ? failures + 1 : 0;
      if (round.kind === "more") continue;
      const waitMs = round.kind === "idle"
        ? EVERY_MS
        : round.retryAfterMs ?? backoffMs(failures, BACKOFF_MS.first, BACKOFF_MS.max);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  /** Sends all traces that are over, due or not, when the process ends. What is left stays in the queue. */
  async drain(): Promise<void> {
    const { clock, log } = this.#deps;
    const signal = AbortSignal.timeout(DRAIN_MS_MAX);
    try {
      let round: Round = { kind: "more" };
      while (round.kind === "more") round = await this.round(clock.now() + EXPORT_DELAY_MS, signal);
    } catch (error) {
      log.warn("traces not exported at the end", { error: describeError(error) });
    }
  }

  /** One request with traces that are due at `dueMs`. */
  async round(dueMs: number, signal: AbortSignal): Promise<Round> {
    const { db, clock } = this.#deps;
    const oldest = clock.now() - AGE_MS_MAX;
    const old = await giveUpTraces(db.kysely, { endedBeforeMs: oldest, limit: GIVEN_UP_MAX });
    if (old.spans > 0) this.#dropped.add({ reason: "old" }, old.spans);
    if (old.traces === GIVEN_UP_MAX) return { kind: "more" };
    const due = await listDueTraces(db.kysely, { dueMs, limit: BATCH_MAX });
    const claims = new Map<ClaimedTrace, DeploymentTracesTable>();
    for (const trace of due) {
      const claim = await claimTrace(db.kysely, trace, clock.now() + CLAIM_MS);
      if (claim !== undefined) claims.set(claim, trace);
    }
    let again = true;
    try {
      const round = await this.#send([...claims.values()], signal);
      again = round.kind === "away";
      return again || due.length === BATCH_MAX ? round : { kind: "idle" };
    } finally {
      for (const [claim, trace] of claims) {
        await releaseTrace(db.kysely, claim, again ? trace.export_at : null);
      }
    }
  }

  async #send(traces: readonly DeploymentTracesTable[], signal: AbortSignal): Promise<Round> {
    const { collector, log } = this.#deps;
    const sampled = traces.filter((trace) => this.#isSampled(trace));
    if (sampled.length === 0) return { kind: "more" };
    const spans = await this.#spansOf(sampled);
    const outcome = await collector.send(spans, signal);
    this.#requests.add({ end: outcome.kind });
    if (outcome.kind === "away") {
      log.warn("the collector of traces is away", { reason: outcome.reason });
      return { kind: "away", retryAfterMs: outcome.retryAfterMs };
    }
    const dropped = outcome.kind === "refused" ? spans.length : Math.min(outcome.rejected, spans.length);
    if (dropped > 0) {
      const reason = outcome.kind === "refused" ? outcome.reason : outcome.message;
      log.warn("the collector refused spans", { count: dropped, reason });
      this.#dropped.add({ reason: "refused" }, dropped);
    }
    this.#exported.add({}, spans.length - dropped);
    const beyond = sampled.reduce((sum, { dropped_spans }) => sum + dropped_spans, 0);
    if (beyond > 0) this.#dropped.add({ reason: "bound" }, beyond);
    return { kind: "more" };
  }

  #isSampled({ trace_id: traceId, parent_span_id: spanId, is_sampled }: DeploymentTracesTable): boolean {
    const { sampler } = this.#deps;
    return sampler(
      is_sampled === null ? { traceId } : { traceId, parent: { spanId, isSampled: is_sampled === 1 } },
    );
  }

  async #spansOf(traces: readonly DeploymentTracesTable[]): Promise<readonly OtlpSpan[]> {
    const { db, clock } = this.#deps;
    const deployments = await listDeploymentViewsByIds(db.kysely, traces.map((each) => each.deployment_id));
    const spans: OtlpSpan[] = [];
    for (const trace of traces) {
      const { deployment_id: id } = trace;
      const stored = await listSpans(db.kysely, id);
      // The deploy is over, so that no step of it runs.
      const assembled = assemble({ trace, spans: stored, steps: [], nowMs: clock.now() });
      spans.push(...exportedSpans(trace, assembled, deployments.get(id)));
    }
    return spans;
  }
}

/// <reference lib="dom" />
/** The spans of a deploy as bars over time; those of the critical path are bold. */
import type { JSX } from "preact";
import type { DeploymentTrace, TraceSpan } from "../../../proto/gen/ctrl/v1/trace_pb.ts";
import { duration, plain } from "../text/format.ts";
import { Phases } from "./phases.tsx";
import { tookMs, traceSummary } from "./summary.ts";

const ROW = 22;
const INDENT = 10;
const ROWS_MAX = 200;

export function Waterfall(
  { trace, nowMs }: { readonly trace: DeploymentTrace; readonly nowMs: number },
): JSX.Element {
  const summary = traceSummary(trace, nowMs);
  const spans = trace.spans.slice(0, ROWS_MAX);
  const left = trace.spans.length - spans.length + trace.droppedSpans;
  return (
    <section>
      <h2>Time</h2>
      <p>{plain(summary)}</p>
      <svg class="waterfall" role="img" aria-label={plain(summary)} height={spans.length * ROW + 4}>
        {spans.map((span, row) => <Bar key={span.id} {...{ span, trace, nowMs, row }} />)}
      </svg>
      <p class="calm-text">
        Bold: the deploy would have ended sooner, had this been shorter.{left > 0
          ? ` ${left} more are left out.`
          : ""}
      </p>
      <Phases trace={trace} nowMs={nowMs} />
    </section>
  );
}

interface BarProps {
  readonly span: TraceSpan;
  readonly trace: DeploymentTrace;
  readonly nowMs: number;
  readonly row: number;
}

function Bar({ span, trace, nowMs, row }: BarProps): JSX.Element {
  const { x, width, ms } = placeOf(span, trace, nowMs);
  const kinds = [span.status, span.critical ? "critical" : "", span.gap ? "gap" : ""].join(" ");
  const name = plain(`${span.name}${span.detail === "" ? "" : ` ${span.detail}`}`);
  const y = row * ROW;
  return (
    <g class={kinds}>
      <title>{name} {duration(ms)}</title>
      <svg x="0" y={y} width="40%" height={ROW}>
        <text x={span.depth * INDENT} y={ROW - 7}>{name}</text>
      </svg>
      <line x1="42%" x2="100%" y1={y + ROW - 0.5} y2={y + ROW - 0.5} />
      <svg x="42%" y={y} width="38%" height={ROW}>
        <rect x={`${x}%`} y="5" width={`${width}%`} height={ROW - 10} rx="2" />
      </svg>
      <text class="soft" x="100%" y={y + ROW - 7} text-anchor="end">
        {span.status === "cached" ? "cached" : duration(ms)}
      </text>
    </g>
  );
}

/** In percent of the whole time; the shortest one is still to be seen. */
export function placeOf(
  span: Pick<TraceSpan, "startedAt" | "endedAt">,
  trace: DeploymentTrace,
  nowMs: number,
): { readonly x: number; readonly width: number; readonly ms: number } {
  const whole = Math.max(1, tookMs(trace, nowMs));
  const beginMs = Number(span.startedAt - trace.startedAt);
  const ms = Math.max(0, (span.endedAt === 0n ? nowMs : Number(span.endedAt)) - Number(span.startedAt));
  const width = Math.min(100, Math.max(0.4, ms / whole * 100));
  const x = Math.min(100 - width, Math.max(0, beginMs / whole * 100));
  return { x, width, ms };
}

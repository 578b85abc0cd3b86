/** A deploy's trace as a collector gets it. Pure. */
import type { OtlpSpan } from "../../../../pkg/otlp/mod.ts";
import type { DeploymentTracesTable, DeploymentView, SpanSource } from "../store/mod.ts";
import type { Assembled } from "./assemble.ts";
import type { TraceNode } from "./tree.ts";

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Where the deploy belongs to. */
export type ExportedDeployment = Pick<
  DeploymentView,
  "workspaceId" | "projectSlug" | "environmentSlug"
>;

/** The parts of the platform by the source of a span. */
const PARTS: Readonly<Record<SpanSource, string>> = {
  client: "command",
  api: "api",
  worker: "worker",
  step: "worker",
  region: "krane",
};

/**
 * The spans of a trace, each below the one that it is a part of, and the deploy itself below its caller's span. Gaps are
 * between spans, so that a collector shows them anyway.
 */
export function exportedSpans(
  trace: DeploymentTracesTable,
  { root }: Assembled,
  deployment: ExportedDeployment | undefined,
): readonly OtlpSpan[] {
  const ofRoot: Attributes = {
    "deployment.id": trace.deployment_id,
    "deployment.status": trace.outcome === "failed" ? "failed" : "succeeded",
    "unkey.deployment.status": trace.outcome ?? "",
    ...(deployment === undefined ? {} : {
      "deployment.environment.name": deployment.environmentSlug,
      "unkey.workspace.id": deployment.workspaceId,
      "unkey.project.slug": deployment.projectSlug,
    }),
  };
  const first = encode(trace.trace_id, root, trace.parent_span_id, ofRoot);
  return [{ ...first, isFailed: trace.outcome === "failed" }, ...partsOf(trace.trace_id, root)];
}

function partsOf(traceId: string, parent: TraceNode): readonly OtlpSpan[] {
  return parent.children.filter(({ source }) => source !== "gap")
    .flatMap((node) => [encode(traceId, node, parent.id), ...partsOf(traceId, node)]);
}

function encode(traceId: string, node: TraceNode, parentId: string, more: Attributes = {}): OtlpSpan {
  const { id, name, source, detail, region, status, isCritical } = node;
  return {
    traceId,
    spanId: id,
    ...(parentId === "" ? {} : { parentSpanId: parentId }),
    name,
    startMs: node.startMs,
    endMs: node.endMs,
    isFailed: status === "failed",
    attributes: {
      ...(source === "gap" ? {} : { "unkey.part": PARTS[source] }),
      "unkey.critical": isCritical,
      ...(status === "cached" ? { "unkey.cached": true } : {}),
      ...(region === "" ? {} : { "unkey.region": region }),
      ...(detail === "" ? {} : { "unkey.detail": detail }),
      ...more,
    },
  };
}

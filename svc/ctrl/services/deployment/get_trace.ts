import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DeploymentTraceSchema,
  TraceComparisonSchema,
  TraceShareSchema,
  TraceSpanSchema,
} from "../../../../proto/gen/ctrl/v1/trace_pb.ts";
import { publicFault } from "../../../../pkg/fault/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import {
  type DeploymentTracesTable,
  type DeploymentView,
  findDeployment,
  findSuccessBefore,
  findTrace,
  listSpans,
  listSteps,
} from "../../internal/store/mod.ts";
import {
  assemble,
  type Assembled,
  phasesOf,
  type Share,
  sharesOf,
  type TraceNode,
} from "../../internal/traces/mod.ts";
import type { DeploymentDeps } from "./deps.ts";
import { requireDeployment } from "./find.ts";

/** The trace of a deploy, and the one to compare it with. */
export interface ShownTrace {
  readonly trace: DeploymentTracesTable;
  readonly assembled: Assembled;
  readonly before?: { readonly id: string; readonly assembled: Assembled };
}

/**
 * Assembles the trace of a deploy, finished or not.
 *
 * @throws `not_found`, `permission_denied`; `failed_precondition` for a deployment that is older than traces, or whose trace was removed
 */
export async function getDeploymentTrace(
  deps: Pick<DeploymentDeps, "db" | "reader" | "clock">,
  caller: RootKeyPrincipal,
  deploymentId: string,
): Promise<ShownTrace> {
  const deployment = await requireDeployment(deps, caller, { id: deploymentId, action: "read_deployment" });
  const trace = await findTrace(deps.db.kysely, deployment.id);
  if (trace === undefined) {
    throw publicFault("failed_precondition", await noTraceText(deps, deployment.id));
  }
  const before = await successBefore(deps, deployment);
  return {
    trace,
    assembled: await assembleStored(deps, trace),
    ...(before === undefined
      ? {}
      : { before: { id: before.deployment_id, assembled: await assembleStored(deps, before) } }),
  };
}

async function noTraceText({ db }: Pick<DeploymentDeps, "db">, id: string): Promise<string> {
  const row = await findDeployment(db.kysely, id);
  const reason = (row?.output_removed_at ?? null) === null
    ? "it was made before the platform kept them"
    : "traces of deployments that are over are removed with their output";
  return `Deployment ${id} has no trace: ${reason}. Deploy again to get one.`;
}

async function successBefore(
  { db }: Pick<DeploymentDeps, "db">,
  { id, environmentId }: DeploymentView,
): Promise<DeploymentTracesTable | undefined> {
  const row = await findDeployment(db.kysely, id);
  return row && await findSuccessBefore(db.kysely, { environmentId, sequence: row.sequence });
}

async function assembleStored(
  { db, clock }: Pick<DeploymentDeps, "db" | "clock">,
  trace: DeploymentTracesTable,
): Promise<Assembled> {
  const id = trace.deployment_id;
  const [spans, steps] = [await listSpans(db.kysely, id), await listSteps(db.kysely, id)];
  return assemble({ trace, spans, steps, nowMs: clock.now() });
}

export function encodeTrace(
  { trace, assembled, before }: ShownTrace,
): MessageInitShape<typeof DeploymentTraceSchema> {
  return {
    deploymentId: trace.deployment_id,
    traceId: trace.trace_id,
    startedAt: BigInt(trace.started_at),
    endedAt: BigInt(trace.ended_at ?? 0),
    outcome: trace.outcome ?? "",
    spans: encodeParts(assembled.root, { parentId: "", depth: 0 }),
    droppedSpans: trace.dropped_spans,
    shares: sharesOf(assembled).map(encodeShare),
    ...(before === undefined ? {} : { before: encodeComparison(before) }),
  };
}

type SpanMessage = MessageInitShape<typeof TraceSpanSchema>;

function encodeParts(
  { children }: TraceNode,
  place: { readonly parentId: string; readonly depth: number },
): SpanMessage[] {
  return children.flatMap((node) => [
    {
      ...place,
      id: node.id,
      name: node.name,
      detail: node.detail,
      region: node.region,
      startedAt: BigInt(node.startMs),
      endedAt: BigInt(node.endMs),
      status: node.status,
      critical: node.isCritical,
      gap: node.source === "gap",
    },
    ...encodeParts(node, { parentId: node.id, depth: place.depth + 1 }),
  ]);
}

function encodeComparison(
  { id, assembled }: NonNullable<ShownTrace["before"]>,
): MessageInitShape<typeof TraceComparisonSchema> {
  const { startMs, endMs } = assembled.root;
  return { deploymentId: id, tookMs: BigInt(endMs - startMs), phases: phasesOf(assembled).map(encodeShare) };
}

function encodeShare({ name, ms }: Share): MessageInitShape<typeof TraceShareSchema> {
  return { name, tookMs: BigInt(ms) };
}

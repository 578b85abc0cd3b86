import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import { parseId } from "../../../../pkg/uid/mod.ts";
import type { ReportDeploymentStatusRequest } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import type { RegionPrincipal } from "../../internal/auth/principal.ts";
import { ACTIVE_STATUSES } from "../../internal/deployments/status.ts";
import {
  announcePlacement,
  type DeploymentsTable,
  EDGE_REGION,
  findDeploymentByName,
  findStart,
  replaceReported,
} from "../../internal/store/mod.ts";
import { readSpans } from "../../internal/traces/mod.ts";
import type { ClusterDeps } from "./deps.ts";
import { checkReport, type RefusedAddress } from "./report.ts";

const WAKE_MS_MAX = 5_000;
/** Of one report. */
const SPANS_MAX = 100;

export interface ReportAnswer {
  /** The generation of a newer report that was taken before. */
  readonly newer?: number;
  readonly refused: readonly RefusedAddress[];
}

/**
 * Takes an agent's whole view of one deployment in its region, then wakes the deployment's workflow and the edges.
 *
 * A report about a deployment that does not exist, or that was never placed in the region, is a success that changes
 * nothing: an agent that still has an old container must not be stopped by it. So is a report older than the last, whose
 * generation is returned then. An instance whose address edges must not connect to counts as refused, and is returned.
 *
 * @throws `invalid_argument`
 */
export async function reportDeploymentStatus(
  deps: ClusterDeps,
  { region, networks }: RegionPrincipal,
  request: ReportDeploymentStatusRequest,
): Promise<ReportAnswer> {
  const { db, clock, notifier } = deps;
  const report = checkReport(request, networks);
  if (report === undefined) return { refused: [] };
  const { refused } = report;
  const deployment = await findDeploymentByName(db.kysely, report.k8sName);
  if (deployment === undefined) return { refused };
  const receivedAtMs = clock.now();
  const outcome = await transact(db, async (tx) => {
    const nowMs = clock.now();
    const taken = await replaceReported(tx, {
      deploymentId: deployment.id,
      workspaceId: deployment.workspace_id,
      projectId: deployment.project_id,
      region,
      generation: report.generation,
      instances: report.instances,
      tasks: report.tasks,
      nowMs,
    });
    const place = { deploymentId: deployment.id, regions: [region], nowMs };
    if (taken.kind === "taken" && taken.isRunOver) await announcePlacement(tx, place);
    return taken;
  });
  if (outcome.kind === "stale") return { newer: outcome.newerGeneration, refused };
  if (outcome.kind === "unplaced") return { refused };
  keepSpans(deps, { deploymentId: deployment.id, region, nowMs: receivedAtMs }, request);
  if (outcome.endpointsChanged) notifier.changed([EDGE_REGION]);
  if (outcome.isRunOver) notifier.changed([region]);
  if (outcome.changed) await wake(deps, deployment);
  return { refused };
}

function keepSpans(
  { spans }: ClusterDeps,
  { deploymentId, region, nowMs }: {
    readonly deploymentId: string;
    readonly region: string;
    readonly nowMs: number;
  },
  { change }: ReportDeploymentStatusRequest,
): void {
  if (change.case !== "update" || change.value.spans.length === 0) return;
  const sentAtMs = Number(change.value.sentAt);
  const reporter = { source: "region", region, sentAtMs, nowMs, spansMax: SPANS_MAX } as const;
  spans.push(deploymentId, readSpans(change.value.spans, reporter));
}

/** The workflow looks again by itself, so a wake that is lost costs time and nothing else. */
async function wake(
  { db, workflows, log }: ClusterDeps,
  { id, status }: Pick<DeploymentsTable, "id" | "status">,
): Promise<void> {
  // A ready deployment whose instances were all missing can be waited for too.
  if (status !== "ready" && !ACTIVE_STATUSES.includes(status)) return;
  try {
    const limit = AbortSignal.timeout(WAKE_MS_MAX);
    const startId = await findStart(db.kysely, id);
    if (startId !== undefined) {
      await workflows.startChanged(parseId("start", "start_id", startId), limit);
    } else if (status !== "ready") {
      await workflows.instancesChanged(parseId("deployment", "deployment_id", id), limit);
    }
  } catch (error) {
    log.warn("workflow was not woken", { deployment_id: id, error: describeError(error) });
  }
}

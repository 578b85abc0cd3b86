/** The effects of giving out slots: each is one transaction over the workspace's whole queue. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { PRODUCTION_SLUG } from "../../internal/deployments/domains.ts";
import { mayBuild } from "../../internal/deployments/queue.ts";
import {
  type BuildSlotView,
  type CtrlDatabase,
  deleteBuildSlots,
  type DeploymentSlugs,
  type DeploymentsTable,
  findDeployment,
  findSlugs,
  findWorkspaceLimit,
  listBuildSlots,
  lockWorkspace,
  type Tx,
} from "../../internal/store/mod.ts";
import type { AcquireAnswer, AcquireRequest } from "./contract.ts";
import { turnAt } from "./plan.ts";
import type { Acquired, SlotLimits, SlotSteps } from "./types.ts";
import { updateQueue } from "./update_queue.ts";

export interface SlotDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly limits: SlotLimits;
}

/** The steps over the database. */
export function createSlotSteps({ db, clock, limits }: SlotDeps): SlotSteps {
  return {
    acquire: (workspaceId, request) =>
      transact(db, async (tx) => {
        const own = await limitsOf(tx, limits, workspaceId);
        return await acquire(tx, own, { workspaceId, request, nowMs: clock.now() });
      }),

    release: (workspaceId, deploymentId) =>
      transact(db, async (tx) => {
        await lockWorkspace(tx, workspaceId);
        await deleteBuildSlots(tx, workspaceId, [deploymentId]);
        const rows = await listBuildSlots(tx, [workspaceId]);
        const own = await limitsOf(tx, limits, workspaceId);
        const { offers } = await updateQueue(tx, own, { workspaceId, rows, nowMs: clock.now() });
        return { offers };
      }),
  };
}

/** The worker's limits, with the number of builds that an operator has set for the workspace. */
async function limitsOf(tx: Tx, limits: SlotLimits, workspaceId: string): Promise<SlotLimits> {
  const buildsMax = await findWorkspaceLimit(tx, workspaceId, "builds");
  return buildsMax === undefined ? limits : { ...limits, buildsMax };
}

interface Asking {
  readonly workspaceId: string;
  readonly request: AcquireRequest;
  readonly nowMs: number;
}

async function acquire(tx: Tx, limits: SlotLimits, asking: Asking): Promise<Acquired> {
  const { workspaceId, request: { deploymentId }, nowMs } = asking;
  await lockWorkspace(tx, workspaceId);
  const [deployment, slugs] = [await findDeployment(tx, deploymentId), await findSlugs(tx, deploymentId)];
  if (deployment === undefined || slugs === undefined) return unqueued({ kind: "ended", status: "missing" });
  if (deployment.workspace_id !== workspaceId) {
    throw new Fault("internal", `${deploymentId} is not a deployment of workspace ${workspaceId}`);
  }
  if (!mayBuild(deployment.status)) return unqueued({ kind: "ended", status: deployment.status });
  if (deployment.cancel_requested_at !== null) return unqueued({ kind: "cancelled" });

  const rows = await listBuildSlots(tx, [workspaceId]);
  const known = rows.find((row) => row.deployment_id === deploymentId);
  if (known === undefined && rows.filter((row) => row.state === "waiting").length >= limits.waitingMax) {
    return unqueued({ kind: "full" });
  }
  const others = rows.filter((row) => row.deployment_id !== deploymentId);
  const asker = askerRow(limits, { asking, deployment, slugs, known });
  const queue = { workspaceId, rows: [...others, asker], askerId: deploymentId, nowMs };
  return await updateQueue(tx, limits, queue);
}

/** The row of the asking build before the queue is updated: a build that holds a slot renews its lease. */
function askerRow(
  { ageingMs, leaseMs }: SlotLimits,
  { asking: { request, nowMs }, deployment, slugs, known }: {
    readonly asking: Asking;
    readonly deployment: DeploymentsTable;
    readonly slugs: DeploymentSlugs;
    readonly known: BuildSlotView | undefined;
  },
): BuildSlotView {
  const holds = known !== undefined && known.state !== "waiting" && (known.lease_until ?? 0) > nowMs;
  // By the time of creation: a build that lost its place to an outage gets it back.
  const enqueuedAtMs = deployment.created_at;
  const production = slugs.environment === PRODUCTION_SLUG;
  return {
    deployment_id: deployment.id,
    workspace_id: deployment.workspace_id,
    state: holds ? "holding" : "waiting",
    enqueued_at: enqueuedAtMs,
    turn_at: turnAt({ production, enqueuedAtMs }, ageingMs),
    lease_until: holds ? nowMs + leaseMs : null,
    ticket: request.ticket,
    reported_ahead: known?.reported_ahead ?? null,
    status: deployment.status,
    cancel_requested_at: deployment.cancel_requested_at,
    project_slug: slugs.project,
    environment_slug: slugs.environment,
  };
}

function unqueued(answer: AcquireAnswer): Acquired {
  return { answer, offers: [] };
}

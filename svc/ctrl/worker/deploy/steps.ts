/** The effects of a deploy. Each may run twice, and its second run finds its work done. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { dockerfileNotices } from "../../../../pkg/build/explain/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { domainsOf } from "../../internal/deployments/domains.ts";
import type { StepName } from "../../internal/deployments/events.ts";
import { ACTIVE_STATUSES, type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  appendEvent,
  appendLogLines,
  type CtrlDatabase,
  type DeploymentsTable,
  EDGE_REGION,
  endStep,
  ensureWorkspaceNamespace,
  findBuildInputs,
  findDeployment,
  findSlugs,
  holdsBuildSlot,
  listSteps,
  lockDeployment,
  moveStatus,
  placeDeployment,
  setCheckHost,
  setImage,
  startStep,
  stopTopology,
  type Tx,
  type WantedSentinel,
} from "../../internal/store/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { type SentinelMaker, wantSentinels } from "../../internal/sentinels/mod.ts";
import { observe } from "../rollout/observe.ts";
import type { ImageRules } from "../builder/image_rules.ts";
import { pinImage } from "./pin_image.ts";
import { type ReuseDeps, reuseImage } from "./reuse_image.ts";
import type { Advanced, DeploySteps, Ending, Loaded, NoSlot } from "./types.ts";

export interface DeployDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  /** Regions of every deployment. */
  readonly regions: readonly string[];
  /** The domain below which host names are. */
  readonly apex: string;
  /** Per region. */
  readonly replicas: number;
  /** Rules for images that users name. */
  readonly images: ImageRules;
  /** Rules for images that earlier builds made. */
  readonly reuse: Omit<ReuseDeps, "db" | "clock">;
  /** Proxies that environments get beside their deployments; `undefined`: none. */
  readonly sentinels?: SentinelMaker | undefined;
  /** A region whose agents' heartbeats are all older counts as unavailable. */
  readonly agentTimeoutMs: number;
}

const DOCKERFILE = "Dockerfile";
const NAMESPACE_LENGTH = 8;
const CANCELLED_TEXT = "The deployment was cancelled.";

/** The steps over the database. */
export function createDeploySteps(deps: DeployDeps): DeploySteps {
  const { db, clock, changes } = deps;
  return {
    load: async (id) => loaded(await findDeployment(db.kysely, id)),

    beginBuild: (id) => transact(db, (tx) => beginBuild(tx, id, clock.now())),

    recordBuild: (id, built) =>
      transact(db, async (tx) => {
        const status = await lockStatus(tx, id);
        if (status !== "building") return { kind: "ended", status };
        const nowMs = clock.now();
        await setImage(tx, { id, ...built, nowMs });
        await endStep(tx, { deploymentId: id, name: "building", status: "done", nowMs });
        return { kind: "advanced" };
      }),

    reuseImage: (id, signal) => reuseImage({ db, clock, ...deps.reuse }, id, signal),

    pinImage: (id, signal) => pinImage(deps, id, signal),

    async place(id) {
      const sentinels = await wantSentinels(deps.sentinels, { ...deps, deploymentId: id });
      const placed = await transact(db, (tx) => place(tx, deps, { id, sentinels }));
      if (placed.kind === "advanced") changes.changed(deps.regions);
      return placed;
    },

    observe: (id) => observe(deps, id),

    beginNetwork: (id) =>
      transact(
        db,
        (tx) =>
          advance(tx, { id, to: "network", from: ["deploying"], nowMs: clock.now() }, async (nowMs) => {
            await endStep(tx, { deploymentId: id, name: "deploying", status: "done", nowMs });
            await startStep(tx, {
              deploymentId: id,
              name: "network",
              message: "Routing host names to it.",
              nowMs,
            });
          }),
      ),

    async finish(id, ending) {
      const finished = await transact(db, (tx) => finish(tx, id, ending, clock.now()));
      changes.changed(finished.regions);
      return finished.status;
    },
  };
}

function loaded(row: DeploymentsTable | undefined): Loaded {
  if (row === undefined) return { kind: "ended", status: "missing" };
  if (isFinal(row.status)) return { kind: "ended", status: row.status };
  return {
    kind: "active",
    workspaceId: row.workspace_id,
    projectId: row.project_id,
    environmentId: row.environment_id,
    cancelRequested: row.cancel_requested_at !== null,
    source: sourceOf(row),
  };
}

function sourceOf(row: DeploymentsTable): Extract<Loaded, { kind: "active" }>["source"] {
  if (row.image !== null && row.image !== "") return { kind: row.source === "image" ? "named" : "built" };
  const path = row.build_context_path ?? "";
  if (path === "") return { kind: "nothing" };
  return { kind: "context", path, dockerfile: row.dockerfile_path || DOCKERFILE };
}

/** Moves the status on together with the writes that belong to it; a repetition finds the status and writes nothing. */
async function advance(
  tx: Tx,
  move: { id: string; to: DeploymentStatus; from: readonly DeploymentStatus[]; nowMs: number },
  alongside: (nowMs: number) => Promise<void>,
): Promise<Advanced> {
  if (await moveStatus(tx, move)) {
    await alongside(move.nowMs);
    return { kind: "advanced" };
  }
  const status = await lockStatus(tx, move.id);
  return status === move.to ? { kind: "advanced" } : { kind: "ended", status };
}

async function beginBuild(tx: Tx, id: string, nowMs: number): Promise<Advanced | NoSlot> {
  const status = await lockStatus(tx, id);
  const waits = status === "pending" || status === "queued";
  if (waits && !await holdsBuildSlot(tx, id, nowMs)) return { kind: "no_slot" };
  return await advance(tx, { id, to: "building", from: ["pending", "queued"], nowMs }, async () => {
    await endStep(tx, { deploymentId: id, name: "queued", status: "done", nowMs });
    await startStep(tx, { deploymentId: id, name: "building", message: "Building the image.", nowMs });
  });
}

async function lockStatus(tx: Tx, id: string): Promise<DeploymentStatus | "missing"> {
  return (await lockDeployment(tx, id))?.status ?? "missing";
}

async function place(
  tx: Tx,
  deps: DeployDeps,
  { id, sentinels }: { readonly id: string; readonly sentinels: readonly WantedSentinel[] },
): Promise<Advanced> {
  const nowMs = deps.clock.now();
  const move = { id, to: "deploying", from: ["pending", "queued", "building"], nowMs } as const;
  return await advance(tx, move, async () => {
    const row = await findDeployment(tx, id);
    if (row === undefined) return;
    const candidate = newDnsName(NAMESPACE_LENGTH);
    await ensureWorkspaceNamespace(tx, { id: row.workspace_id, candidate, nowMs });
    const message = `Starting the app in ${deps.regions.join(", ")}.`;
    await startStep(tx, { deploymentId: id, name: "deploying", message, nowMs });
    for (const message of await noticesOf(tx, row)) await appendEvent(tx, id, "notice", { message }, nowMs);
    await setCheckHost(tx, id, await checkHost(tx, deps, row));
    await placeDeployment(tx, {
      deploymentId: id,
      workspaceId: row.workspace_id,
      regions: deps.regions.map((region) => ({ region, replicas: row.replicas || deps.replicas })),
      sentinels,
      nowMs,
    });
  });
}

/** Instructions that mean less here than on a machine of one's own. A redeploy has told of them before. */
async function noticesOf(tx: Tx, row: DeploymentsTable): Promise<readonly string[]> {
  const inputs = await findBuildInputs(tx, row.id);
  if (inputs?.dockerfile === undefined) return [];
  return dockerfileNotices(new TextDecoder().decode(inputs.dockerfile), {
    healthCheckPath: row.health_check_path,
    target: inputs.settings.target,
  });
}

/** The name that visitors use: apps with a list of hosts refuse any other one. */
async function checkHost(tx: Tx, { apex }: DeployDeps, row: DeploymentsTable): Promise<string | null> {
  const slugs = await findSlugs(tx, row.id);
  if (slugs === undefined) return null;
  const { id: deploymentId, git_commit_sha: commitSha, git_branch: branch } = row;
  const domains = domainsOf({ ...slugs, apex, deploymentId, commitSha, branch });
  const name = domains.find(({ sticky }) => sticky === "live") ??
    domains.find(({ sticky }) => sticky === "environment");
  return name?.hostname ?? null;
}

interface FinishedDeploy {
  readonly status: DeploymentStatus | "missing";
  /** The regions whose feeds changed. */
  readonly regions: readonly string[];
}

async function finish(tx: Tx, id: string, ending: Ending, nowMs: number): Promise<FinishedDeploy> {
  const status = await lockStatus(tx, id);
  if (status === "missing" || isFinal(status)) return { status, regions: [] };
  const message = ending.kind === "failed" ? ending.failure.message : CANCELLED_TEXT;
  const details = ending.kind === "failed" ? ending.failure.details : undefined;
  // A build's output was recorded while it ran.
  if (details?.source === "instance") {
    const { source, origin, lines } = details;
    await appendLogLines(tx, id, { source, origin, lines }, nowMs);
  }
  for (const name of await runningSteps(tx, id)) {
    await endStep(tx, { deploymentId: id, name, status: "failed", errorMessage: message, nowMs });
  }
  // Last: readers of the events stop at a final status.
  await moveStatus(tx, {
    id,
    from: ACTIVE_STATUSES,
    to: ending.kind,
    nowMs,
    failure: ending.kind === "failed" ? ending.failure : { message },
  });
  const stopped = await stopTopology(tx, { deploymentId: id, nowMs });
  const regions = stopped.map((each) => each.region);
  return { status: ending.kind, regions: regions.length === 0 ? [] : [EDGE_REGION, ...regions] };
}

async function runningSteps(tx: Tx, id: string): Promise<StepName[]> {
  return (await listSteps(tx, id)).filter((step) => step.status === "running").map((step) => step.name);
}

/** The effects of a deploy. Each may run twice, and its second run finds its work done. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import type { ConfigReader, ImageConfig } from "../../../../pkg/registry/mod.ts";
import { decodeAppSnapshot, settingsOf } from "../../internal/deployments/app/settings.ts";
import type { StepName } from "../../internal/deployments/events.ts";
import { ACTIVE_STATUSES, type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  appendLogLines,
  type CtrlDatabase,
  type DeploymentsTable,
  dropGradualOrder,
  EDGE_REGION,
  endStep,
  findDeployment,
  holdsBuildSlot,
  listLiveRegions,
  listSteps,
  lockDeployment,
  moveStatus,
  setImage,
  startStep,
  stopTopology,
  type Tx,
} from "../../internal/store/mod.ts";
import type { ChangeNotifier } from "../../internal/changes/mod.ts";
import { type SentinelMaker, wantSentinels } from "../../internal/sentinels/mod.ts";
import { type SpanTaker, timed } from "../../internal/traces/mod.ts";
import { observe } from "../rollout/observe.ts";
import type { ImageRules } from "../builder/image_rules.ts";
import { placeInTransaction } from "./place_step.ts";
import { pinImage } from "./pin_image.ts";
import { followRelease } from "./release_step.ts";
import { type ReuseDeps, reuseImage } from "./reuse_image.ts";
import type { Advanced, DeploySteps, Ending, Loaded, NoSlot, Placed } from "./types.ts";

export interface DeployDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly changes: ChangeNotifier;
  readonly spans: SpanTaker;
  /** Regions of every deployment. */
  readonly regions: readonly string[];
  /** The domain below which host names are. */
  readonly apex: string;
  /** Per region. */
  readonly replicas: number;
  /** Rules for images that users name. */
  readonly images: ImageRules;
  /** Reads the configuration of an image, where it can be had. */
  readonly imageConfig: ConfigReader;
  /** Rules for images that earlier builds made. */
  readonly reuse: Omit<ReuseDeps, "db" | "clock">;
  /** Proxies that environments get beside their deployments; `undefined`: none. */
  readonly sentinels?: SentinelMaker | undefined;
  /** A region whose agents' heartbeats are all older counts as unavailable. */
  readonly agentTimeoutMs: number;
}

const DOCKERFILE = "Dockerfile";
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

    reuseImage: (id, signal) =>
      timed(deps, { id, name: "look for image" }, () => reuseImage({ db, clock, ...deps.reuse }, id, signal)),

    pinImage: (id, signal) => timed(deps, { id, name: "pin image" }, () => pinImage(deps, id, signal)),

    place: (id, signal) => timed(deps, { id, name: "place" }, () => place(deps, id, signal)),

    observe: async (id) => observe(deps, id, { release: await followRelease(deps, id) }),

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

async function place(deps: DeployDeps, id: string, signal: AbortSignal): Promise<Placed> {
  const image = await imageConfigOf(deps, id, signal);
  const sentinels = await wantSentinels(deps.sentinels, { ...deps, deploymentId: id });
  const liveRegions = await listLiveRegions(deps.db.kysely, deps.clock.now() - deps.agentTimeoutMs);
  const call = { id, image, sentinels, liveRegions };
  const placed = await transact(deps.db, (tx) => placeInTransaction(tx, deps, call));
  if (placed.kind === "advanced") deps.changes.changed(deps.regions);
  return placed;
}

async function imageConfigOf(
  { db, imageConfig }: DeployDeps,
  id: string,
  signal: AbortSignal,
): Promise<ImageConfig | undefined> {
  const image = (await findDeployment(db.kysely, id))?.image ?? "";
  return image === "" ? undefined : await imageConfig(image, signal);
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
    openApi: namesOpenApi(row),
    source: sourceOf(row),
  };
}

function namesOpenApi(row: DeploymentsTable): boolean {
  const snapshot = decodeAppSnapshot(row.app_settings);
  return snapshot !== undefined && settingsOf(snapshot).openapiPath !== undefined;
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
  await dropGradualOrder(tx, id);
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

/** An image that an earlier build of the same content made, used again instead of a build. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { isFinal } from "../../internal/deployments/status.ts";
import {
  appendEvent,
  type BuiltImage,
  type DeploymentsTable,
  endStep,
  findBuildInputs,
  findBuiltImage,
  findDeployment,
  lockDeployment,
  setBuildKey,
  type Tx,
  useImageAgain,
} from "../../internal/store/mod.ts";
import type { ImagePresence } from "../builder/image_presence.ts";
import { type BuildKeyDeps, readBuildKey } from "./read_build_key.ts";
import type { Reused } from "./types.ts";

export interface ReuseDeps extends BuildKeyDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Looks where images are kept. */
  readonly presence: ImagePresence;
  /** Images that were built longer ago are built again: what their Dockerfile names has moved on. 0: all of them. */
  readonly ageMsMax: number;
}

/**
 * Gives the deployment the image of an earlier build of its project with the same build key, if it is still there. All doubts lead to a
 * build. A repetition finds the image that an earlier run chose.
 */
export async function reuseImage(deps: ReuseDeps, id: string, signal: AbortSignal): Promise<Reused> {
  const { db, log } = deps;
  const row = await findDeployment(db.kysely, id);
  if (row === undefined) return { kind: "ended", status: "missing" };
  if (isFinal(row.status)) return { kind: "ended", status: row.status };
  if (row.image !== null) return { kind: "reused" };
  let built: BuiltImage | undefined;
  try {
    built = await findKept(deps, row, signal);
  } catch (error) {
    signal.throwIfAborted();
    log.warn("no image looked for: it is built", { deployment_id: id, error: describeError(error) });
  }
  if (built === undefined) return { kind: "none" };
  const found = built;
  return await transact(db, (tx) => take(tx, id, found, deps.clock.now()));
}

/** The image, if it is also where it is kept. */
async function findKept(
  { db, clock, ageMsMax, presence, ...deps }: ReuseDeps,
  row: DeploymentsTable,
  signal: AbortSignal,
): Promise<BuiltImage | undefined> {
  const inputs = await findBuildInputs(db.kysely, row.id);
  if (inputs === undefined) return undefined;
  const key = row.build_key ?? await readBuildKey({ db, ...deps }, row, inputs);
  if (key === undefined) return undefined;
  // Also of a build that is forced: its image is the newest for those that are not.
  if (row.build_key === null) await setBuildKey(db.kysely, row.id, key);
  const { noCache, pull } = inputs.settings;
  if (noCache || pull || ageMsMax === 0) return undefined;
  const built = await findBuiltImage(db.kysely, {
    projectId: row.project_id,
    buildKey: key,
    builtAfterMs: clock.now() - ageMsMax,
  });
  if (built === undefined) return undefined;
  const state = await presence(built.image, signal);
  if (state === "present") return built;
  deps.log.info("image of the same content not used again", { ...built, state });
  return undefined;
}

async function take(tx: Tx, id: string, built: BuiltImage, nowMs: number): Promise<Reused> {
  const row = await lockDeployment(tx, id);
  if (row === undefined || isFinal(row.status)) return { kind: "ended", status: row?.status ?? "missing" };
  if (row.image !== null) return { kind: "reused" };
  if (!await useImageAgain(tx, { id, built, nowMs })) return { kind: "none" };
  if (row.status === "building") {
    await endStep(tx, { deploymentId: id, name: "building", status: "done", nowMs });
  }
  const message =
    `The image of deployment ${built.deploymentId} is used again: same content (use --no-cache to build).`;
  await appendEvent(tx, id, "notice", { message }, nowMs);
  return { kind: "reused" };
}

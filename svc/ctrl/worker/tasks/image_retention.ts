import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type Meter, NO_METER } from "../../../../pkg/metrics/mod.ts";
import { imagesToRelease } from "../../internal/deployments/images.ts";
import { mayBuild } from "../../internal/deployments/queue.ts";
import { type CtrlDatabase, listImageUses, listStatuses, releaseImage } from "../../internal/store/mod.ts";
import type { LocalImage, LocalImages } from "../builder/local_images.ts";

export interface ImageRetentionDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: Meter;
  readonly images: LocalImages;
  /** Of how many earlier deployments per environment. */
  readonly kept: number;
}

/** The result of one pass. */
export interface RetainedImages {
  /** Deployments that were marked: their image goes. */
  readonly deployments: number;
  /** Images that were removed. */
  readonly removed: number;
  /** There may be more to do at once. */
  readonly again: boolean;
}

const EVERY_MS = 5 * 60_000;
const AT_ONCE_MAX = 100;

/**
 * Keeps the engine's disk from filling: looks at the start and then now and then for images that no deployment needs any
 * more. Each worker looks at the engine that it builds with, and several of them may share one.
 */
export async function retainImages(deps: ImageRetentionDeps, signal: AbortSignal): Promise<void> {
  const { clock, log, meter = NO_METER } = deps;
  while (!signal.aborted) {
    let again = false;
    try {
      again = (await meter(() => retainImagesOnce(deps, signal))).again;
    } catch (error) {
      if (!signal.aborted) log.warn("images not retained", { error: describeError(error) });
    }
    if (!again) await clock.sleep(EVERY_MS, signal).catch(() => undefined);
  }
}

/**
 * One look. Deployments are marked first and their images removed after that, so that nothing starts whose image goes; what
 * a crash leaves between the two is found by the next look.
 */
export async function retainImagesOnce(
  deps: ImageRetentionDeps,
  signal: AbortSignal,
): Promise<RetainedImages> {
  const { images, log } = deps;
  const present = await images.list(signal);
  const marked = await releaseImages(deps, present, signal);
  const unneeded = (await listUnneeded(deps, present)).slice(0, AT_ONCE_MAX);
  let removed = 0;
  for (const name of unneeded) {
    signal.throwIfAborted();
    if (await images.remove(name, signal)) removed++;
  }
  const deployments = marked.deployments;
  if (deployments + removed > 0) {
    log.info("images retained", { deployments, removed, in_use: unneeded.length - removed });
  }
  // An image that a container still uses is not tried again before the next pass.
  return { deployments, removed, again: marked.more || (unneeded.length === AT_ONCE_MAX && removed > 0) };
}

/** Marks deployments whose image is to go, the oldest first. */
async function releaseImages(
  { db, clock, kept }: ImageRetentionDeps,
  present: readonly LocalImage[],
  signal: AbortSignal,
): Promise<{ readonly deployments: number; readonly more: boolean }> {
  const all = imagesToRelease(await listImageUses(db.kysely, present.map(({ name }) => name)), kept);
  let deployments = 0;
  for (const image of all.slice(0, AT_ONCE_MAX)) {
    signal.throwIfAborted();
    const nowMs = clock.now();
    const ids = await transact(db, (tx) => releaseImage(tx, { image, notice: noticeOf(kept), nowMs }));
    deployments += ids.length;
  }
  return { deployments, more: all.length > AT_ONCE_MAX && deployments > 0 };
}

function noticeOf(kept: number): string {
  return `Its image is removed: of the deployments that do not run, the newest ${kept} of an environment keep theirs. ` +
    "It cannot be started again, but its commit can be deployed again.";
}

/**
 * The images that all their deployments have released, and those that no deployment names although the deployment that they
 * were built for is known and has built: a build that was interrupted left them. Images of other platforms are not among them.
 */
async function listUnneeded(
  { db }: ImageRetentionDeps,
  present: readonly LocalImage[],
): Promise<readonly string[]> {
  const states = await listStatuses(db.kysely, [...new Set(present.map((each) => each.deploymentId))]);
  // Read last: a deployment that has built by then has also recorded the image's name.
  const uses = await listImageUses(db.kysely, present.map(({ name }) => name));
  const named = new Set(uses.map(({ image }) => image));
  const needed = new Set(uses.filter((use) => !use.imageRemoved).map(({ image }) => image));
  return present.filter(({ name, deploymentId }) => {
    if (named.has(name)) return !needed.has(name);
    const status = states.get(deploymentId);
    return status !== undefined && !mayBuild(status);
  }).map(({ name }) => name);
}

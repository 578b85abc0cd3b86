/** Pinning an image that a user named to the bytes that its name means now. */
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { pullText } from "../../../../pkg/registry/mod.ts";
import { type DeploymentStatus, isFinal } from "../../internal/deployments/status.ts";
import {
  appendEvent,
  type CtrlDatabase,
  findDeployment,
  lockDeployment,
  setImage,
} from "../../internal/store/mod.ts";
import type { ImageRules } from "../builder/image_rules.ts";
import type { Failure } from "../rollout/plan.ts";

export interface PinDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly images: ImageRules;
}

export type Pinned =
  | { readonly kind: "advanced" }
  | { readonly kind: "ended"; readonly status: DeploymentStatus | "missing" }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Asks once and writes the answer down; a repetition finds it. */
export async function pinImage(deps: PinDeps, id: string, signal: AbortSignal): Promise<Pinned> {
  const { db, clock, images } = deps;
  const row = await findDeployment(db.kysely, id);
  if (row === undefined) return { kind: "ended", status: "missing" };
  if (isFinal(row.status)) return { kind: "ended", status: row.status };
  const image = row.image ?? "";
  if (isForeign(image, images.registryName, row.workspace_id)) {
    return { kind: "failed", failure: notThere(image) };
  }
  const digest = await allowedDigest(images, image, signal);
  if (digest.kind === "refused") return { kind: "failed", failure: refused(image) };
  if (digest.kind === "unknown") return { kind: "advanced" };
  return await transact(db, async (tx) => {
    const now = await lockDeployment(tx, id);
    if (now === undefined || isFinal(now.status)) return { kind: "ended", status: now?.status ?? "missing" };
    // An earlier run of this very step was not recorded.
    if (now.image !== image) return { kind: "advanced" };
    const nowMs = clock.now();
    await setImage(tx, { id, image: pinned(image, digest.value), nowMs });
    const message =
      `The image ${image} is ${digest.value} now: that is what runs, also when the tag moves on.`;
    await appendEvent(tx, id, "notice", { message }, nowMs);
    return { kind: "advanced" };
  });
}

type Digest =
  | { readonly kind: "known"; readonly value: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused" };

/** `unknown` for a name that has its digest already, too. */
async function allowedDigest(images: ImageRules, image: string, signal: AbortSignal): Promise<Digest> {
  const isOwn = isBelow(image, images.registryName);
  if (!isOwn && !await images.mayPull(image, signal)) return { kind: "refused" };
  if (image.includes("@")) return { kind: "unknown" };
  try {
    const value = await images.digestOf(image, signal);
    return value === undefined ? { kind: "unknown" } : { kind: "known", value };
  } catch (error) {
    if (!isFault(error, "permission_denied")) throw error;
    return { kind: "refused" };
  }
}

/** True for another workspace's image in the platform's registry, which the platform's credentials would open all the same. */
function isForeign(image: string, registryName: string, workspaceId: string): boolean {
  return isBelow(image, registryName) && !isBelow(image, `${registryName}/${workspaceId}`);
}

function isBelow(image: string, name: string): boolean {
  return canonical(image).startsWith(canonical(`${name}/`));
}

/** A host is the same in upper and lower case, and with the port that it has anyway. */
function canonical(image: string): string {
  return image.toLowerCase().replace(/^([^/]+):(?:443|80)\//, "$1/");
}

/** The same as for what does not exist. */
function notThere(image: string): Failure {
  return { code: "image_unavailable", message: pullText(image, "missing") };
}

function refused(image: string): Failure {
  return {
    code: "image_unavailable",
    message:
      `The image "${image}" may not be used: its registry is not a public one, but at an address of a machine or a ` +
      "private network, or leads to one. Use an image of a public registry; or ask the operator to trust this registry " +
      "(UNKEY_TRUSTED_REGISTRIES).",
  };
}

function pinned(image: string, digest: string): string {
  const colon = image.lastIndexOf(":");
  return `${colon > image.lastIndexOf("/") ? image.slice(0, colon) : image}@${digest}`;
}

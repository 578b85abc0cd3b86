/**
 * Which images of past deployments stay where builds leave them. Only images that the platform built and keeps itself are
 * asked about; a registry has a retention of its own.
 */
import { type DeploymentStatus, isFinal } from "./status.ts";

/** A deployment that names an image. */
export interface ImageUse {
  readonly id: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly sequence: number;
  readonly image: string;
  readonly status: DeploymentStatus;
  /** Its image was released: the deployment is no reason to keep it. */
  readonly imageRemoved: boolean;
  readonly live: boolean;
  /** A rollback that names no target goes to it. */
  readonly previousLive: boolean;
  readonly startUnderWay: boolean;
  readonly environmentDeleted: boolean;
}

/** True when the deployment runs, is about to, or is the default target of a rollback. */
export function needsImage(use: ImageUse): boolean {
  if (use.imageRemoved) return false;
  return !isFinal(use.status) || use.status === "ready" || use.live || use.previousLive || use.startUnderWay;
}

/**
 * The images without a use, oldest first. Beside used images, each environment keeps those of its newest
 * `kept` deployments that were ready, and of as many that never were, which a redeploy can repeat. An image that one
 * deployment keeps stays for all that name it.
 */
export function imagesToRelease(uses: readonly ImageUse[], kept: number): readonly string[] {
  const staying = new Set<string>();
  const counts = new Map<string, number>();
  const rest = new Set<string>();
  for (const use of uses.toSorted((a, b) => b.sequence - a.sequence)) {
    if (use.imageRemoved) continue;
    rest.add(use.image);
    if (needsImage(use)) staying.add(use.image);
    else if (!use.environmentDeleted) {
      const group = `${use.environmentId} ${use.status === "stopped"}`;
      const count = (counts.get(group) ?? 0) + 1;
      counts.set(group, count);
      if (count <= kept) staying.add(use.image);
    }
  }
  return [...rest].filter((image) => !staying.has(image)).toReversed();
}

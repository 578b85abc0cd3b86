/** The build slots as their callers see them. */
import { iface } from "@restatedev/restate-sdk/fetch";
import type { WorkspaceId } from "../../../../pkg/uid/mod.ts";
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import { BUILD_SLOT_SERVICE } from "../../internal/workflows/names.ts";

/** A deployment asks for a slot, or asks again. */
export interface AcquireRequest {
  readonly deploymentId: string;
  /** Names this request: a deployment that waits is woken with it. */
  readonly ticket: number;
}

export type AcquireAnswer =
  /** It may build, for as long as its lease lasts. Asking again renews the lease. */
  | { readonly kind: "granted" }
  /** It is woken when a slot is set aside for it, and asks again then, or after `recheckMs`. */
  | { readonly kind: "waiting"; readonly recheckMs: number }
  /** Too many wait already. */
  | { readonly kind: "full" }
  | { readonly kind: "cancelled" }
  | { readonly kind: "ended"; readonly status: DeploymentStatus | "missing" };

/** A deployment does not need its slot, or its place in the queue, any more. Harmless when it has neither. */
export interface ReleaseRequest {
  readonly deploymentId: string;
}

/** Gives the build slots of a workspace to those who ask. */
export const BuildSlotService = iface.object(BUILD_SLOT_SERVICE, {
  acquire: iface.json<AcquireRequest, AcquireAnswer>(),
  release: iface.json<ReleaseRequest, void>(),
});

/**
 * One object per workspace: its builds compete only with each other, and its queue has this one
 * writer. The queue itself is the table `build_slots`, not the object's state, so that reading a position needs no
 * workflow engine.
 */
export function buildSlotsKey(id: WorkspaceId | string): string {
  return id;
}

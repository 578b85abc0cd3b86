/** The effects of a deploy as its workflow sees them, and the results of its stages. */
import type { DeploymentStatus } from "../../internal/deployments/status.ts";
import type { Ended, Observed } from "../rollout/observe.ts";
import type { Failure } from "../rollout/plan.ts";

/** The deployment as it is when its workflow starts. */
export type Loaded = Ended | {
  readonly kind: "active";
  readonly workspaceId: string;
  readonly projectId: string;
  readonly environmentId: string;
  readonly cancelRequested: boolean;
  /** True if the app says where its OpenAPI document is; absent in journals of older versions. */
  readonly openApi?: boolean;
  /** `built`: there is an image to run. */
  readonly source:
    | { readonly kind: "built" }
    /** The same, but its name is the user's choice. */
    | { readonly kind: "named" }
    | { readonly kind: "context"; readonly path: string; readonly dockerfile: string }
    | { readonly kind: "nothing" };
};

/** The step was taken, now or in an earlier run. */
export type Advanced = Ended | { readonly kind: "advanced" };

/** The answer to a placement. */
export type Placed = Advanced | Extract<Ending, { kind: "failed" }>;

/** The slot ran out before the build began. */
export interface NoSlot {
  readonly kind: "no_slot";
}

/** The answer to the question for an image at hand. `none`: it has to be built. */
export type Reused = Ended | { readonly kind: "reused" } | { readonly kind: "none" };

/** An end of a deployment that takes no traffic. */
export type Ending =
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "cancelled" };

/** A stage either leads on to the next one, or is the end. */
export type StageResult = { readonly kind: "on" } | Ended | Ending;
export const ON: StageResult = { kind: "on" };
export const CANCELLED: Ending = { kind: "cancelled" };

/** The effects that the workflow orders. */
export interface DeploySteps {
  load(id: string): Promise<Loaded>;
  /** Takes the image of an earlier build of the same content, if there is one. */
  reuseImage(id: string, signal: AbortSignal): Promise<Reused>;
  /** Begins to build, if the deployment still holds its build slot. */
  beginBuild(id: string): Promise<Advanced | NoSlot>;
  recordBuild(id: string, built: { readonly image: string; readonly buildId: string }): Promise<Advanced>;
  /**
   * Makes an image that the user named mean the same bytes everywhere and at every restart, where its registry tells
   * which; refuses images of other workspaces.
   */
  pinImage(id: string, signal: AbortSignal): Promise<Advanced | Extract<Ending, { kind: "failed" }>>;
  /** Wants the deployment to run in its regions, as its settings and its image say. */
  place(id: string, signal: AbortSignal): Promise<Placed>;
  observe(id: string): Promise<Observed>;
  beginNetwork(id: string): Promise<Advanced>;
  /**
   * Ends the deployment and takes back all that was made for it, in one transaction; returns the status it has then.
   * A deployment that serves, or has already ended, stays as it is.
   */
  finish(id: string, ending: Ending): Promise<DeploymentStatus | "missing">;
}

/** The effects of the build slots as the handlers see them, and their limits. */
import type { AcquireAnswer, AcquireRequest } from "./contract.ts";

/** A slot that is set aside for a build. Its workflow has to be woken to take it. */
export interface Offer {
  readonly deploymentId: string;
  readonly ticket: number;
}

/** The answer to a request, and every offer that has not been taken yet. */
export interface Acquired {
  readonly answer: AcquireAnswer;
  readonly offers: readonly Offer[];
}

/** The effects that the handlers order. Each returns every offer that has not been taken yet, not only its own. */
export interface SlotSteps {
  acquire(workspaceId: string, request: AcquireRequest): Promise<Acquired>;
  release(workspaceId: string, deploymentId: string): Promise<{ readonly offers: readonly Offer[] }>;
}

/** The limits of a workspace's queue. Times in milliseconds. */
export interface SlotLimits {
  /** Builds at once, per workspace. */
  readonly buildsMax: number;
  /** Production builds that come so much later than a preview still go first. */
  readonly ageingMs: number;
  /** For a build as a whole. */
  readonly leaseMs: number;
  /** For taking an offer. */
  readonly offerMs: number;
  /** Waiting builds ask again after this time: the safety net under the messages that wake them. */
  readonly recheckMs: number;
  readonly waitingMax: number;
}

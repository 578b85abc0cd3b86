/** What krane needs of a runtime that can run sentinels. */
import type { Actor } from "../control/controller.ts";
import type { DesiredSentinel } from "./desired.ts";
import type { SentinelStatus } from "./report.ts";

/** A sentinel that the runtime holds. */
export interface ManagedSentinel {
  readonly name: string;
  readonly sentinelId: string;
}

/** Runs sentinels. */
export interface SentinelRuntime extends Actor<DesiredSentinel, SentinelStatus> {
  /** What this agent manages; objects of others are never listed. */
  managed(signal: AbortSignal): Promise<readonly ManagedSentinel[]>;
  /** Tells which sentinel to look at until the signal aborts; outlives outages of the runtime. */
  watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void>;
}

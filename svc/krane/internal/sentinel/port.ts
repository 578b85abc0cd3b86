import type { Actor } from "../control/controller.ts";
import type { DesiredSentinel } from "./desired.ts";
import type { SentinelStatus } from "./report.ts";

/** A sentinel that the runtime holds. */
export interface ManagedSentinel {
  readonly name: string;
  readonly sentinelId: string;
}

/** A runtime that can run sentinels. */
export interface SentinelRuntime extends Actor<DesiredSentinel, SentinelStatus> {
  /** The sentinels of this agent; objects of others are never listed. */
  managed(signal: AbortSignal): Promise<readonly ManagedSentinel[]>;
  /** Reports changed sentinels until the signal aborts; outlives outages of the runtime. */
  watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void>;
}

/** What krane needs of whatever runs containers. Docker implements it; nothing outside of this folder knows how. */
import type { DesiredDeployment } from "../deployment/desired.ts";

/** One instance of a deployment, as it is reported. */
export interface Instance {
  /** Unique in the region. */
  readonly name: string;
  /** host:port that the edge connects to; empty unless it is running. */
  readonly address: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  /** Only what answers and is not about to stop is `running`. */
  readonly status: "pending" | "running" | "failed";
  /** Why it is not running, as a code; empty when it is. */
  readonly reason: string;
  /** The same for a person. */
  readonly message: string;
  readonly exitCode?: number;
  readonly restarts: number;
  /** What it printed last; only when it failed. */
  readonly lastLogLines: readonly string[];
}

/** What runs now, and when to look again although nothing happened. */
export interface Observation {
  readonly instances: readonly Instance[];
  /** Milliseconds; absent: a change will be told. */
  readonly againMs?: number;
}

/** A deployment that the runtime holds. */
export interface ManagedDeployment {
  readonly name: string;
  readonly deploymentId: string;
}

/** Something that an instance printed. */
export interface OutputLine {
  readonly deploymentId: string;
  readonly instance: string;
  readonly timeNs: bigint;
  /** Tells apart lines of one instance with the same time. */
  readonly ordinal: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** Where output goes. */
export interface OutputSink {
  /** Takes a line; never blocks. */
  push(line: OutputLine): void;
  /** Lines of this time and later are still wanted; `undefined`: all of them. */
  resumeFrom(instance: string): bigint | undefined;
  /** An instance is gone for ever, and its name with it. */
  forget(instance: string): void;
}

/** Runs deployments. All operations are idempotent and serialised per deployment by the caller. */
export interface Runtime {
  /**
   * Brings a deployment to its desired state as far as that goes without waiting for images or apps, and tells what
   * runs. What the user's image or app does wrong is an instance's reason; trouble of the runtime is thrown.
   */
  reconcile(desired: DesiredDeployment, signal: AbortSignal): Promise<Observation>;
  /** Stops a deployment's instances, with grace, and removes all traces. */
  remove(name: string, signal: AbortSignal): Promise<void>;
  /** What this agent manages; objects of others are never listed. */
  managed(signal: AbortSignal): Promise<readonly ManagedDeployment[]>;
  /** Desired states as they can be read back from what runs. */
  recover(signal: AbortSignal): Promise<readonly DesiredDeployment[]>;
  /** Tells which deployment to look at, or `undefined` for all, until the signal aborts; outlives outages of the runtime. */
  watch(onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void>;
}

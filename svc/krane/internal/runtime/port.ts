/** The port to a runtime. `docker/` and `kubernetes/` implement it; `svc/krane/runtimes.ts` opens the one that is set. */
import type { Limit } from "../control/controller.ts";
import type { DesiredDeployment } from "../deployment/desired.ts";

/** One instance of a deployment, as it is reported. */
export interface Instance {
  /** Unique in the region. */
  readonly name: string;
  /** host:port that the edge connects to; empty unless it is running. */
  readonly address: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  /**
   * `running` only while it answers and is not about to stop; and while it fails, when it is the last one that could
   * answer: some errors are better than errors only. Its reason is `unhealthy` then. Only tasks are `ended`.
   */
  readonly status: "pending" | "running" | "failed" | "ended";
  /** The trouble, as a code; empty when there is none. */
  readonly reason: string;
  /** The reason as a sentence. */
  readonly message: string;
  readonly exitCode?: number;
  readonly restarts: number;
  /** The last lines of its output; only when it failed, or does not answer. */
  readonly lastLogLines: readonly string[];
  /** The end of its run before this one, also while it runs again. */
  readonly lastEnd?: InstanceEnd;
  /** The name of the task that it runs; absent: it is one of the app. */
  readonly task?: string;
}

/** The end of one run of an instance. */
export interface InstanceEnd {
  /** As a code, such as `oom_killed`. */
  readonly reason: string;
  /** The same as a sentence. */
  readonly message: string;
  readonly exitCode: number;
  readonly atMs: number;
}

/** The instances that exist now, and when to observe again without a change. */
export interface Observation {
  readonly instances: readonly Instance[];
  /** Milliseconds; absent: each change is reported by `watch`. */
  readonly againMs?: number;
  /** The desired state could not be reached: the instances are reported all the same, and it is tried again later. */
  readonly failure?: unknown;
  /**
   * An app ran before this agent did, and its first health check is not answered yet. The report of the former agent stays:
   * an app that serves must not leave the edge for a check that takes long.
   */
  readonly isSettling?: true;
}

/** A deployment that the runtime holds. */
export interface ManagedDeployment {
  readonly name: string;
  readonly deploymentId: string;
}

/** One line of an instance's output. */
export interface OutputLine {
  readonly deploymentId: string;
  readonly instance: string;
  readonly timeNs: bigint;
  /** Tells apart lines of one instance with the same time. */
  readonly ordinal: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
  /** A line of the agent's own: reading does not go on from its time. */
  readonly isOwn?: true;
}

/** Takes the output of all instances. */
export interface OutputSink {
  /** Takes a line; never blocks. */
  push(line: OutputLine): void;
  /** The time from which on lines are wanted; `undefined`: all lines. */
  resumeFrom(instance: string): bigint | undefined;
  /** An instance is gone for ever, and its name with it. */
  forget(instance: string): void;
}

/** The CPU that an instance uses now. */
export interface InstanceUsage {
  readonly name: string;
  readonly cpuMillicores: number;
}

/** Runs deployments. All operations are idempotent and serialised per deployment by the caller. */
export interface Runtime {
  /**
   * Brings a deployment to its desired state, without waiting for images or apps, and returns its instances. A failure
   * of the user's image or app is an instance's reason, and so is a refusal of the runtime, which is the observation's
   * `failure` too; any other failure is thrown.
   */
  reconcile(desired: DesiredDeployment, signal: AbortSignal): Promise<Observation>;
  /** Stops a deployment's instances, with grace, and removes all traces; all but the grace is done in `limit`. */
  remove(name: string, signal: AbortSignal, limit: Limit): Promise<void>;
  /** The deployments of this agent; objects of others are never listed. */
  managed(signal: AbortSignal): Promise<readonly ManagedDeployment[]>;
  /** Desired states as they can be read back from what runs. */
  recover(signal: AbortSignal): Promise<readonly DesiredDeployment[]>;
  /** The CPU that instances of these deployments use now; those that cannot be measured are missing. */
  usage?(deployments: readonly DesiredDeployment[], signal: AbortSignal): Promise<readonly InstanceUsage[]>;
  /** Reports each deployment that changed, or `undefined` for all, until the signal aborts; resumes after outages. */
  watch(onChange: (name: string | undefined) => void, signal: AbortSignal): Promise<void>;
}

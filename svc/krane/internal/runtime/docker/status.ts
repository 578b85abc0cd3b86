import type { Container } from "../../../../../pkg/docker/mod.ts";
import { failingText, type HealthCheck } from "../../deployment/health_check.ts";
import type { Instance, InstanceEnd } from "../port.ts";
import { instanceAddress } from "./container_manifest.ts";
import type { StartTrouble } from "./refusals.ts";

/** The last end of a container. */
export interface Exit {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly lastLines: readonly string[];
  readonly atMs: number;
  /** The agent stopped it, for this reason. */
  readonly stoppedBecause?: string;
  /** It was stopped for its disk; its files are gone. */
  readonly isEvicted?: boolean;
}

/** The health of an app by its answers; `unknown` until enough answers or refusals came. */
export type Health =
  | { readonly kind: "unknown" }
  | { readonly kind: "healthy" }
  /** It answered well, and does not for a moment: it is reported, and nothing else is done. */
  | { readonly kind: "failing"; readonly detail: string; readonly sinceMs: number }
  | {
    readonly kind: "unhealthy";
    readonly detail: string;
    /** The time of the first bad answer in a row, or of the start of a run without a good one. */
    readonly sinceMs: number;
    /** The app has answered well in this run. */
    readonly wasHealthy: boolean;
  };

/** All that is known about one instance at a time. */
export interface ContainerFacts {
  readonly name: string;
  readonly port: number;
  readonly healthCheck: HealthCheck;
  readonly publishAddress: string;
  readonly container: Pick<Container, "state" | "hostPorts" | "limits" | "labels"> | undefined;
  readonly health: Health;
  /** The last lines of an app that does not answer. */
  readonly recentLines: readonly string[];
  /** No other instance of the deployment answers. */
  readonly isLast: boolean;
  /** Ends since it was last healthy. */
  readonly exits: number;
  readonly lastExit: Exit | undefined;
  /** Why the engine could not create or start it, when it could not. */
  readonly startTrouble: StartTrouble | undefined;
  readonly pull: { readonly kind: "idle" | "pulling" } | {
    readonly kind: "failed";
    readonly message: string;
  };
  /** All restarts, by the engine and by the agent. */
  readonly restarts: number;
}

/** From so many ends on without an answer in between, an app is in a crash loop. */
const CRASHES_MIN = 3;

/** The report of one instance. */
export function deriveInstance(facts: ContainerFacts): Instance {
  const { container } = facts;
  const base = {
    name: facts.name,
    address: "",
    cpuMillicores: container?.limits.cpuMillicores ?? 0,
    memoryMib: Math.round((container?.limits.memoryBytes ?? 0) / (1024 * 1024)),
    restarts: facts.restarts,
    lastLogLines: [],
    ...(facts.lastExit === undefined ? {} : { lastEnd: endOf(facts, facts.lastExit) }),
  };
  if (facts.pull.kind === "failed") {
    return { ...base, status: "failed", reason: "image_pull", message: facts.pull.message };
  }
  if (facts.pull.kind === "pulling") {
    return { ...base, status: "pending", reason: "image_pulling", message: "The image is being pulled." };
  }
  if (facts.startTrouble !== undefined) {
    const { reason, message } = facts.startTrouble;
    if (reason !== "crash_loop") return { ...base, status: "pending", reason, message };
    return { ...base, status: "failed", reason, message, ...exitOf(facts) };
  }
  if (container === undefined) {
    return { ...base, status: "pending", reason: "creating", message: "The container is being created." };
  }
  if (container.state.status === "running") return deriveRunning(facts, base);
  if (facts.lastExit === undefined || container.state.status === "paused") {
    return {
      ...base,
      status: "pending",
      reason: "starting",
      message: `The container is ${container.state.status}.`,
    };
  }
  return { ...base, ...deriveExit(facts, facts.lastExit) };
}

type Base = Pick<
  Instance,
  "name" | "address" | "cpuMillicores" | "memoryMib" | "restarts" | "lastLogLines" | "lastEnd"
>;

function deriveRunning(facts: ContainerFacts, base: Base): Instance {
  const { health, lastExit, port } = facts;
  const { container, publishAddress } = facts;
  const address = container === undefined ? "" : instanceAddress(container, port, publishAddress);
  if (health.kind === "healthy") return { ...base, address, status: "running", reason: "", message: "" };
  if (health.kind === "failing" || health.kind === "unhealthy" && health.wasHealthy) {
    const trouble = {
      reason: "unhealthy",
      message: `The app runs, but ${checkText(facts, health.detail)}.`,
      lastLogLines: facts.recentLines,
    };
    return facts.isLast || health.kind === "failing"
      ? { ...base, ...trouble, address, status: "running" }
      : { ...base, ...trouble, status: "pending" };
  }
  // Between two ends of a crash loop the app runs for a moment: that changes nothing.
  if (lastExit !== undefined && (facts.exits >= CRASHES_MIN || lastExit.oomKilled)) {
    return { ...base, ...deriveExit(facts, lastExit) };
  }
  if (health.kind === "unknown") {
    return { ...base, status: "pending", reason: "starting", message: "The app is starting." };
  }
  const must = facts.healthCheck.kind === "port"
    ? ` It must listen on 0.0.0.0:${port}; the variable PORT holds the port.`
    : "";
  const message = `The app runs, but ${checkText(facts, health.detail)}.${must}`;
  return { ...base, status: "pending", reason: "not_listening", message, lastLogLines: facts.recentLines };
}

/** The failing check, as the end of a sentence. */
export function checkText(
  { healthCheck, port }: Pick<ContainerFacts, "healthCheck" | "port">,
  detail: string,
): string {
  return failingText(healthCheck, port, detail);
}

function endOf(facts: ContainerFacts, exit: Exit): InstanceEnd {
  const { reason, message } = deriveExit({ ...facts, exits: 1 }, exit);
  return { reason, message, exitCode: exit.exitCode, atMs: exit.atMs };
}

function deriveExit(
  facts: ContainerFacts,
  exit: Exit,
): Pick<Instance, "status" | "reason" | "message" | "exitCode" | "lastLogLines"> {
  const { exitCode, oomKilled, lastLines } = exit;
  const memoryMib = Math.round((facts.container?.limits.memoryBytes ?? 0) / (1024 * 1024));
  const times = facts.exits > 1 ? ` ${facts.exits} times` : "";
  const ended = exit.stoppedBecause !== undefined
    ? `The app was restarted because ${exit.stoppedBecause}.`
    : oomKilled
    ? `The app was killed${times} because it used more than its ${memoryMib} MiB of memory.`
    : `The app ended${times} ${exitText(exitCode)}`;
  const reason = exit.isEvicted === true
    ? "evicted"
    : exit.stoppedBecause !== undefined
    ? "unhealthy"
    : oomKilled
    ? "oom_killed"
    : facts.exits >= CRASHES_MIN
    ? "crash_loop"
    : "exited";
  return { status: "failed", reason, message: ended, exitCode, lastLogLines: lastLines };
}

function exitText(exitCode: number): string {
  if (exitCode === 0) return "by itself with exit code 0: it must keep running.";
  if (exitCode > 128 && exitCode < 160) return `with exit code ${exitCode} (signal ${exitCode - 128}).`;
  return `with exit code ${exitCode}.`;
}

function exitOf(facts: ContainerFacts): { exitCode?: number } {
  const code = facts.container?.state.exitCode ?? 0;
  return code === 0 ? {} : { exitCode: code };
}

import { type Container, containerLogs, type Engine } from "../../../../../pkg/docker/mod.ts";
import { isFault } from "../../../../../pkg/fault/mod.ts";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { unsettledMs } from "../../deployment/health_check.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Instance } from "../port.ts";
import { containerName, type SpecOptions } from "./container_manifest.ts";
import type { ContainerHistory, Histories } from "./exits.ts";
import type { Prober } from "./prober.ts";
import { type ContainerFacts, deriveInstance, type Health } from "./status.ts";

export interface ObserveDeps {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly spec: SpecOptions;
  readonly histories: Histories;
  readonly prober: Prober;
  /** Milliseconds since 1970. */
  readonly agentStartedMs: number;
  /** Puts a line into the output of an instance. */
  readonly note: (instance: string, atMs: number, text: string) => void;
}

const LAST_LINES = 20;
const LAST_LINES_MS = 5_000;
/** After so long an agent reports apps whose first health check is still not answered. */
const SETTLING_MS_MAX = 30_000;

/** A container that is there, with its health. */
export interface ObservedContainer {
  readonly container: Container;
  readonly health: Health;
}

/** The instances to report, and when to look again without a change, in milliseconds. */
export interface Observed {
  readonly instances: readonly Instance[];
  readonly containers: readonly ObservedContainer[];
  readonly again: readonly number[];
  /** As the runtime's observation has it. */
  readonly isSettling: boolean;
}

/** The instances of a deployment, one per ordinal, from its containers as they are now. */
export async function observe(
  deps: ObserveDeps,
  desired: DesiredDeployment,
  containers: readonly Container[],
  pull: ContainerFacts["pull"],
  signal: AbortSignal,
): Promise<Observed> {
  const ordinals = Array.from({ length: desired.replicas }, (_, ordinal) => ordinal);
  const all = await Promise.all(ordinals.map(async (ordinal): Promise<ContainerFacts> => {
    const name = containerName(desired.name, ordinal);
    const container = containers.find((each) => each.name === name);
    const history = deps.histories.of(name);
    const health = container === undefined ? UNKNOWN : healthOf(deps, desired, container);
    if (health.kind === "healthy") deps.histories.healthy(name);
    if (container !== undefined) await recordExit(deps, container, history, signal);
    const fails = health.kind === "unhealthy" || health.kind === "failing";
    const recentLines = container !== undefined && fails
      ? await lastLinesOf(deps.engine, container.id, signal)
      : [];
    return {
      name,
      port: desired.port,
      healthCheck: desired.healthCheck,
      publishAddress: deps.spec.publishAddress,
      container,
      health,
      recentLines,
      isLast: false,
      exits: history.exits,
      lastExit: history.lastExit,
      startTrouble: history.startTrouble,
      pull: container === undefined ? pull : { kind: "idle" },
      restarts: (container?.restarts ?? 0) + history.restartsByAgent,
    };
  }));
  const settlingMs = all.some((facts) => isUnchecked(deps, facts))
    ? deps.agentStartedMs + SETTLING_MS_MAX - deps.clock.now()
    : 0;
  const isLast = !all.some(({ health }) => health.kind === "healthy");
  const instances = all.map((facts) => deriveInstance({ ...facts, isLast }));
  for (const instance of instances) noteEnd(deps, instance);
  return {
    instances,
    again: [...containers.map((each) => settlesInMs(deps, desired, each)), settlingMs].filter((ms) => ms > 0),
    isSettling: settlingMs > 0,
    containers: all.flatMap(({ name, health }) => {
      const container = containers.find((each) => each.name === name);
      return container === undefined ? [] : [{ container, health }];
    }),
  };
}

/** The app ran before the agent did, which has no answer of it yet. */
function isUnchecked(
  { agentStartedMs }: ObserveDeps,
  { container, health, healthCheck }: ContainerFacts,
): boolean {
  return container?.state.status === "running" && health.kind === "unknown" && healthCheck.kind !== "none" &&
    Date.parse(container.state.startedAt) < agentStartedMs;
}

/** Tells of an end in the app's own output, once, behind the last line of the run. */
function noteEnd({ histories, note }: ObserveDeps, { name, lastEnd }: Instance): void {
  const history = histories.of(name);
  if (lastEnd === undefined || history.isNoted) return;
  history.isNoted = true;
  void history.outputRead.then(() => note(name, lastEnd.atMs, lastEnd.message));
}

/** 0: it has a health check, does not run, or has run for long enough. */
function settlesInMs(
  { clock }: ObserveDeps,
  { healthCheck }: DesiredDeployment,
  { state }: Container,
): number {
  if (healthCheck.kind !== "none" || state.status !== "running") return 0;
  const nowMs = clock.now();
  return unsettledMs(healthCheck, Date.parse(state.startedAt) || nowMs, nowMs);
}

const UNKNOWN: Health = { kind: "unknown" };

function healthOf(deps: ObserveDeps, desired: DesiredDeployment, container: Container): Health {
  if (container.state.status !== "running") {
    deps.prober.forget(container.name);
    return UNKNOWN;
  }
  if (desired.healthCheck.kind === "none") {
    deps.prober.forget(container.name);
    return settlesInMs(deps, desired, container) > 0 ? UNKNOWN : { kind: "healthy" };
  }
  return deps.prober.health(container.name, {
    key: `${container.id} ${container.state.startedAt}`,
    ip: container.ip,
    port: desired.port,
    published: { host: deps.spec.publishAddress, port: container.hostPorts.get(desired.port) ?? 0 },
    container: container.id,
    check: desired.healthCheck,
  });
}

/** Completes the facts of the last end from the engine: events may lack some, or came while the agent was away. */
async function recordExit(
  deps: ObserveDeps,
  container: Container,
  history: ContainerHistory,
  signal: AbortSignal,
): Promise<void> {
  const { status, exitCode, oomKilled } = container.state;
  const ended = status === "exited" || status === "restarting" || status === "dead";
  if (ended && history.lastExit === undefined) {
    deps.histories.ended(container.name, exitCode, deps.clock.now());
    history.exits = Math.max(history.exits, container.restarts);
  }
  const exit = history.lastExit;
  if (exit === undefined) return;
  if (ended && oomKilled && !exit.oomKilled) history.lastExit = { ...exit, oomKilled };
  if (history.linesRead) return;
  const lastLines = await lastLinesOf(deps.engine, container.id, signal);
  if (history.lastExit !== undefined) history.lastExit = { ...history.lastExit, lastLines };
  history.linesRead = true;
}

/** The last lines that a container printed; fewer when they cannot be had in time. */
export async function lastLinesOf(engine: Engine, id: string, signal: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LAST_LINES_MS)]);
  try {
    for await (const { text } of containerLogs(engine, id, { tail: LAST_LINES }, limit)) lines.push(text);
  } catch (error) {
    signal.throwIfAborted();
    // Without its last lines a report is still worth sending.
    if (!limit.aborted && !isFault(error)) throw error;
  }
  return lines.slice(-LAST_LINES);
}

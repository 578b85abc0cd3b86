import { type Container, type Engine, stopContainer } from "../../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import type { HealthCheck } from "../../deployment/health_check.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { Histories } from "./exits.ts";
import type { ObservedContainer } from "./observe.ts";
import { checkText, type Health } from "./status.ts";

export interface UnhealthyOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly histories: Histories;
  readonly stopGraceSeconds: number;
  /** Puts a line into the output of an instance. */
  readonly note: (instance: string, atMs: number, text: string) => void;
}

/** An app that has answered, and then fails for so long, is restarted. */
const FAILING_MS_MAX = 60_000;
/** The same for a run that has never answered. */
const SILENT_MS_MAX = 600_000;

/** A stop that the engine refused is tried again after so long. */
const STOP_AGAIN_MS = 5_000;

/** Milliseconds until an app is restarted for its health; `undefined` while there is no reason to. */
export function restartInMs(
  health: Health,
  { restartMs }: Pick<HealthCheck, "restartMs">,
  nowMs: number,
): number | undefined {
  if (health.kind !== "unhealthy") return undefined;
  return health.sinceMs + (health.wasHealthy ? restartMs || FAILING_MS_MAX : SILENT_MS_MAX) - nowMs;
}

/** Tells of failing health checks in the output of apps, and stops apps that fail for long: their next start is planned. */
export class UnhealthyApps {
  readonly #options: UnhealthyOptions;
  /** The instances whose failing was reported. */
  readonly #failing = new Set<string>();
  /** The containers that are being stopped, by id. */
  readonly #stopping = new Set<string>();

  constructor(options: UnhealthyOptions) {
    this.#options = options;
  }

  /** The health of a run changed. */
  changed(instance: string, health: Health): void {
    const { clock, note } = this.#options;
    if (health.kind === "failing" || health.kind === "unhealthy" && health.wasHealthy) {
      if (!this.#failing.has(instance)) {
        note(instance, clock.now(), `the health check fails: ${health.detail}`);
      }
      this.#failing.add(instance);
    } else if (health.kind === "healthy" && this.#failing.delete(instance)) {
      note(instance, clock.now(), "the health check succeeds again");
    }
  }

  forget(instance: string): void {
    this.#failing.delete(instance);
  }

  /**
   * Begins to stop what has failed for too long. Returns when to look again, in milliseconds. It does not wait: apps choose
   * their time to end, and few of them that hang would hold up all others of the region.
   */
  stop(
    desired: DesiredDeployment,
    observed: readonly ObservedContainer[],
    signal: AbortSignal,
  ): readonly number[] {
    const waits: number[] = [];
    for (const { container, health } of observed) {
      const waitMs = restartInMs(health, desired.healthCheck, this.#options.clock.now());
      if (waitMs === undefined || health.kind !== "unhealthy") continue;
      waits.push(waitMs > 0 ? waitMs : STOP_AGAIN_MS);
      if (waitMs > 0 || this.#stopping.has(container.id)) continue;
      void this.#stop(container, desired, checkText(desired, health.detail), signal);
    }
    return waits;
  }

  /** The engine does not start again what was stopped; the event of the end leads to the next plan, which starts it. */
  async #stop(
    { id, name }: Container,
    desired: DesiredDeployment,
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { engine, histories, log, stopGraceSeconds } = this.#options;
    log.info("unhealthy app restarted", { instance: name });
    histories.of(name).stopReason = reason;
    this.#failing.delete(name);
    this.#stopping.add(id);
    try {
      await stopContainer(engine, id, desired.stopSeconds || stopGraceSeconds, signal);
    } catch (error) {
      if (!signal.aborted) {
        log.warn("unhealthy app not stopped", { instance: name, error: describeError(error) });
      }
    } finally {
      this.#stopping.delete(id);
    }
  }
}

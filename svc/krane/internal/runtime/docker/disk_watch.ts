import type { Clock } from "../../../../../pkg/clock/mod.ts";
import {
  containerSizes,
  type Engine,
  removeContainer,
  stopContainer,
} from "../../../../../pkg/docker/mod.ts";
import { describeError } from "../../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../../pkg/logger/mod.ts";
import { ownLabels, recoverDesired, type SpecOptions } from "./container_manifest.ts";
import type { Histories } from "./exits.ts";

export interface DiskWatchOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  readonly histories: Histories;
  readonly spec: Pick<SpecOptions, "region" | "controlPlaneId">;
  /** Of apps that have no limit of their own. */
  readonly diskMibDefault: number;
  readonly stopGraceSeconds: number;
  /** Puts a line into the output of an instance. */
  readonly note: (instance: string, atMs: number, text: string) => void;
}

const FIRST_LOOK_MS = 10_000;
const LOOK_EVERY_MS = 60_000;
/** The time to stop of an app that is over its limit, in seconds at most: it goes on writing for so long. */
const GRACE_SECONDS_MAX = 10;
/** The engine reads all files of all containers, which may take a fiftieth of the time at most. */
const REST_FACTOR = 50;
/** Else an app with very many files would buy hours in which no app is measured. */
const REST_MS_MAX = 15 * 60_000;
const MIB = 1024 * 1024;

/**
 * Apps write to the engine's own disk, which most storage drivers do not limit. The watch measures the files that containers
 * have written, and replaces containers over their limit: their files are removed with them, as on Kubernetes.
 */
export class DiskWatch {
  readonly #options: DiskWatchOptions;
  /** Containers that are being replaced, by id. */
  readonly #replacing = new Map<string, Promise<void>>();

  constructor(options: DiskWatchOptions) {
    this.#options = options;
  }

  /** Looks until `signal` aborts, then waits for the replacements that it began. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#looks(signal);
    await this.replaced();
  }

  async #looks(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let waitMs = FIRST_LOOK_MS;
    while (!signal.aborted) {
      await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const sinceMs = clock.now();
      try {
        await this.look(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("disk of containers not read", { error: describeError(error) });
      }
      const restMs = Math.min(REST_MS_MAX, REST_FACTOR * (clock.now() - sinceMs));
      waitMs = Math.max(LOOK_EVERY_MS, restMs);
    }
  }

  /**
   * Looks once, and begins to replace what is over its limit. It does not wait for apps to stop, or one that takes long
   * would hold up the watch over all others of the host.
   */
  async look(signal: AbortSignal): Promise<void> {
    const { engine, spec } = this.#options;
    for (const { id, name, labels, writtenBytes } of await containerSizes(engine, ownLabels(spec), signal)) {
      const desired = recoverDesired({ labels, env: {} });
      const limitMib = desired?.ephemeralStorageMib || this.#options.diskMibDefault;
      if (writtenBytes <= limitMib * MIB || this.#replacing.has(id)) continue;
      const graceSeconds = Math.min(
        desired?.stopSeconds || this.#options.stopGraceSeconds,
        GRACE_SECONDS_MAX,
      );
      const replaced = this.#replace({ id, name, graceSeconds }, diskText(writtenBytes, limitMib), signal)
        .finally(() => this.#replacing.delete(id));
      this.#replacing.set(id, replaced);
    }
  }

  /** Until the replacements that were begun are over. */
  async replaced(): Promise<void> {
    await Promise.all(this.#replacing.values());
  }

  /** Its removal leads to the next plan, which makes another one. */
  async #replace(
    { id, name, graceSeconds }: { readonly id: string; readonly name: string; readonly graceSeconds: number },
    reason: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, engine, histories, log, note } = this.#options;
    log.warn("app replaced for its files", { instance: name, reason });
    const nowMs = clock.now();
    note(name, nowMs, `The app is replaced because ${reason}.`);
    histories.of(name).stopReason = reason;
    try {
      await stopContainer(engine, id, graceSeconds, signal);
      histories.replaced(name, reason, clock.now());
      await removeContainer(engine, id, signal);
    } catch (error) {
      if (!signal.aborted) log.warn("app not replaced", { instance: name, error: describeError(error) });
    }
  }
}

/** The end of a sentence. */
function diskText(writtenBytes: number, limitMib: number): string {
  return `it wrote ${
    Math.ceil(writtenBytes / MIB)
  } MiB of files, more than its ${limitMib} MiB of disk: it must write ` +
    "less, or get more (unkey deploy --ephemeral-storage)";
}

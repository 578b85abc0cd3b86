import { Semaphore } from "../../../../../pkg/async/mod.ts";
import {
  containerCpuTime,
  type CpuTime,
  type Engine,
  listContainers,
} from "../../../../../pkg/docker/mod.ts";
import type { DesiredDeployment } from "../../deployment/desired.ts";
import type { InstanceUsage } from "../port.ts";
import { LABEL } from "./container_manifest.ts";

/** The engine takes up to a second for each. */
const AT_ONCE_MAX = 32;

/** The CPU of containers between one look and the next. */
export class CpuUsage {
  readonly #engine: Engine;
  readonly #own: readonly string[];
  readonly #permits = new Semaphore({ permits: AT_ONCE_MAX });
  #known = new Map<string, CpuTime>();

  /** @param own the labels of the agent's containers */
  constructor(engine: Engine, own: readonly string[]) {
    this.#engine = engine;
    this.#own = own;
  }

  /** The usage since the last look; a container that is new, or was restarted since, is missing. */
  async read(
    deployments: readonly DesiredDeployment[],
    signal: AbortSignal,
  ): Promise<readonly InstanceUsage[]> {
    if (deployments.length === 0) {
      this.#known.clear();
      return [];
    }
    const names = new Set(deployments.map(({ name }) => name));
    const listed = (await listContainers(this.#engine, [...this.#own], signal)).filter((each) =>
      each.state === "running" && names.has(each.labels[LABEL.name] ?? "")
    );
    const times = new Map<string, CpuTime>();
    const usages = await Promise.all(listed.map(async ({ id, name }) => {
      using _permit = await this.#permits.acquire(signal);
      const time = await containerCpuTime(this.#engine, id, signal);
      if (time === undefined) return [];
      times.set(id, time);
      const before = this.#known.get(id);
      if (before === undefined || time.atMs <= before.atMs || time.usedMs < before.usedMs) return [];
      const cpuMillicores = Math.round(
        ((time.usedMs - before.usedMs) / (time.atMs - before.atMs)) * 1_000,
      );
      return [{ name, cpuMillicores }];
    }));
    this.#known = times;
    return usages.flat();
  }
}

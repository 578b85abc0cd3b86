import { type DeploymentEvent, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import type { Timings } from "./result.ts";

/** Fills in the times of build and start from the deployment's events, by the control plane's clock. */
export class PhaseTimes {
  readonly #timings: Timings;
  readonly #begunMs = new Map<string, number>();

  constructor(timings: Timings) {
    this.#timings = timings;
  }

  add({ createdAt, payload }: DeploymentEvent): void {
    const atMs = Number(createdAt);
    if (payload.case === "status" && payload.value.status === DeploymentStatus.READY) {
      const sinceMs = this.#begunMs.get("deploying");
      if (sinceMs !== undefined) this.#timings.deployMs = atMs - sinceMs;
    }
    if (payload.case !== "step") return;
    const { name, status } = payload.value;
    if (status === "running") this.#begunMs.set(name, atMs);
    const sinceMs = this.#begunMs.get(name);
    if (name === "building" && status !== "running" && sinceMs !== undefined) {
      this.#timings.buildMs = atMs - sinceMs;
    }
  }
}

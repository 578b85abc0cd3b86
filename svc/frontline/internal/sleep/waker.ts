import type { Client } from "@connectrpc/connect";
import { Semaphore } from "../../../../pkg/async/mod.ts";
import type { Clock } from "../../../../pkg/clock/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { backoffMs } from "../../../../pkg/retry/mod.ts";
import { isUnimplemented } from "../../../../pkg/rpc/mod.ts";
import type { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";

export interface WakerOptions {
  readonly client: Pick<Client<typeof FrontlineService>, "wakeDeployment">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly instancesOf: (deploymentId: string) => number;
}

/** `ready`: it has instances, or nothing waits for it any more. `awake`: it does not sleep, and has none. */
export type WakeResult = { readonly kind: "ready" | "awake" };

const CALLS_MAX = 16;
const CALL_MS_MAX = 5_000;
const RETRY_FIRST_MS = 100;
const RETRY_MS_MAX = 2_000;
/** A deployment that was put to sleep again, or an order that got lost, is asked for again. */
const AGAIN_MS = 5_000;
/** Instances of what has just been woken by another edge are on their way. */
const ON_THE_WAY_MS = 2_000;

/** Asks the control plane to wake deployments: one call at a time for each, sixteen in all. */
export class Waker {
  readonly #options: WakerOptions;
  readonly #calls = new Semaphore({ permits: CALLS_MAX });

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /** Asks until the deployment has instances, or until `signal` aborts. */
  async wake(deploymentId: string, signal: AbortSignal): Promise<WakeResult> {
    const { clock, log, instancesOf } = this.#options;
    let failures = 0;
    while (!signal.aborted && instancesOf(deploymentId) === 0) {
      let waitMs = AGAIN_MS;
      try {
        const isWaking = await this.#call(deploymentId, signal);
        failures = 0;
        if (!isWaking) return await this.#awake(deploymentId, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (isUnimplemented(error)) return { kind: "awake" };
        if (failures++ === 0) {
          log.warn("a deployment was not woken", {
            deployment_id: deploymentId,
            error: describeError(error),
          });
        }
        waitMs = backoffMs(failures, RETRY_FIRST_MS, RETRY_MS_MAX);
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
    return { kind: "ready" };
  }

  async #call(deploymentId: string, signal: AbortSignal): Promise<boolean> {
    using _permit = await this.#calls.acquire(signal);
    const answer = await this.#options.client.wakeDeployment({ deploymentId }, {
      signal,
      timeoutMs: CALL_MS_MAX,
    });
    return answer.waking;
  }

  async #awake(deploymentId: string, signal: AbortSignal): Promise<WakeResult> {
    await this.#options.clock.sleep(ON_THE_WAY_MS, signal).catch(() => undefined);
    return { kind: this.#options.instancesOf(deploymentId) === 0 ? "awake" : "ready" };
  }
}

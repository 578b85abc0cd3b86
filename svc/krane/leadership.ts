import { hostname } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../pkg/clock/mod.ts";
import { describeError, isFault } from "../../pkg/fault/mod.ts";
import type { LeaderLease } from "../../pkg/kube/mod.ts";
import type { Logger } from "../../pkg/logger/mod.ts";
import type { Runner } from "../../pkg/runner/mod.ts";
import { newId } from "../../pkg/uid/mod.ts";

/** One agent of a region acts; another one stands by, and takes over when it is gone. */
export class Leadership {
  readonly #lease: Pick<LeaderLease, "acquire" | "isHeld" | "keep" | "release">;
  readonly #log: Logger;
  #isStandby = false;
  #isAlone = false;

  constructor(lease: Pick<LeaderLease, "acquire" | "isHeld" | "keep" | "release">, log: Logger) {
    this.#lease = lease;
    this.#log = log;
  }

  /** True while another agent acts. */
  get isStandby(): boolean {
    return this.#isStandby;
  }

  /** True while no other agent can act. */
  get isHeld(): boolean {
    return this.#isAlone || this.#lease.isHeld;
  }

  /** Waits until this agent may act; `onStandby` is called once if it has to wait. */
  async begin(runner: Runner, onStandby: () => void, signal: AbortSignal): Promise<void> {
    const standBy = (leader: string): void => {
      this.#isStandby = true;
      this.#log.info("standby", { leader });
      onStandby();
    };
    try {
      await this.#lease.acquire(standBy, signal);
      if (this.#isStandby) this.#log.info("leader", {});
      this.#isStandby = false;
      runner.go("lease", (abort) => this.#lease.keep(abort));
    } catch (error) {
      if (!isFault(error, "permission_denied")) throw error;
      this.#isAlone = true;
      this.#log.error("no right to use leases: nothing keeps a second agent of the region from acting", {
        error: describeError(error),
      });
    }
  }

  /** After this another agent may act. */
  end(): Promise<void> {
    return this.#lease.release();
  }
}

/**
 * The agent's name in its lease. It is kept in the agent's folder: an agent that was killed takes its own lease over at once
 * when it starts again.
 */
export async function leaseIdentity(stateDir: string, clock: Clock): Promise<string> {
  const path = join(stateDir, "identity");
  const known = await Deno.readTextFile(path).catch(() => "");
  if (known !== "") return known;
  const identity = `${hostname()}_${newId("agent", clock.now())}`;
  await Deno.writeTextFile(path, identity, { mode: 0o600 });
  return identity;
}

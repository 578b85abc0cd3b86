import type { V1Lease, V1LeaseSpec } from "@kubernetes/client-node";
import { z } from "zod";
import type { Clock } from "../clock/mod.ts";
import { describeError, Fault, isFault, publicFault } from "../fault/mod.ts";
import type { Logger } from "../logger/mod.ts";
import type { ApiRequest, Cluster } from "./cluster.ts";
import type { FieldsOf } from "./model.ts";
import {
  createObject,
  deleteObject,
  getObject,
  LEASES,
  Metadata,
  type ObjectRef,
  patchObject,
} from "./objects.ts";

export interface LeaseOptions {
  readonly cluster: Cluster;
  readonly ref: ObjectRef;
  readonly labels: Readonly<Record<string, string>>;
  /** The same after a restart of the holder, who then need not wait for the end of its own lease. */
  readonly identity: string;
  readonly clock: Clock;
  /** Milliseconds that go on evenly, whatever is done to the machine's clock. Default: those of the process. */
  readonly elapsedMs?: () => number;
  readonly log: Logger;
}

/** A holder that gives no sign of life for so long is dead to the others. */
const DURATION_MS = 10_000;
/** A holder takes itself for dead before the others do. */
const HELD_MS = 8_000;
const RENEW_MS = 2_000;
const POLL_MS = 1_000;
const CALL_MS_MAX = 5_000;

const Lease = z.object(
  {
    metadata: Metadata,
    spec: z.object(
      {
        holderIdentity: z.string().nullish(),
        leaseDurationSeconds: z.number().nullish(),
        leaseTransitions: z.number().nullish(),
      } satisfies FieldsOf<V1LeaseSpec>,
    ).default({}),
  } satisfies FieldsOf<V1Lease>,
);
type Lease = z.output<typeof Lease>;

/** One moment on both clocks. */
interface Moment {
  readonly elapsedMs: number;
  readonly wallMs: number;
}

const NEVER: Moment = { elapsedMs: -Infinity, wallMs: -Infinity };

function heldSince({ elapsedMs, wallMs }: Moment): Moment {
  return { elapsedMs: elapsedMs + HELD_MS, wallMs: wallMs + HELD_MS };
}

/**
 * A `coordination.k8s.io` Lease: of several processes one holds it and acts, and another takes over when the holder is
 * gone. Clocks of different machines are never compared: a lease is over when it did not change for its duration.
 */
export class LeaderLease {
  readonly #options: LeaseOptions;
  readonly #elapsedMs: () => number;
  #held: Lease | undefined;
  #heldUntil: Moment = NEVER;
  /** Another's lease as it was seen last, and since when it is like that. */
  #seen = { version: "", sinceMs: 0 };

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#elapsedMs = options.elapsedMs ?? (() => performance.now());
  }

  /**
   * True while no other process can hold it. The machine's clock may be set back, and the even one stands still while the
   * machine sleeps: both must say so.
   */
  get isHeld(): boolean {
    const { elapsedMs, wallMs } = this.#now();
    return elapsedMs < this.#heldUntil.elapsedMs && wallMs < this.#heldUntil.wallMs;
  }

  #now(): Moment {
    return { elapsedMs: this.#elapsedMs(), wallMs: this.#options.clock.now() };
  }

  /**
   * Waits until it is held; `onWaiting` is called once if another process has it.
   *
   * @throws `permission_denied` when the cluster does not let this program use leases
   */
  async acquire(onWaiting: (holder: string) => void, signal: AbortSignal): Promise<void> {
    const { clock, log, ref } = this.#options;
    let [isTold, isFailing] = [false, false];
    while (true) {
      try {
        const holder = await this.#tryAcquire(signal);
        if (holder === undefined) return;
        if (!isTold) onWaiting(holder);
        [isTold, isFailing] = [true, false];
      } catch (error) {
        if (signal.aborted || isFault(error, "permission_denied")) throw error;
        if (!isFailing) log.warn("lease cannot be read", { lease: ref.name, error: describeError(error) });
        isFailing = true;
      }
      await clock.sleep(POLL_MS, signal);
    }
  }

  /**
   * Renews it until the signal aborts; outlives outages of the cluster.
   *
   * @throws `failed_precondition` when another process has taken it
   */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log, ref } = this.#options;
    for (let isFailing = false; !signal.aborted;) {
      await clock.sleep(RENEW_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#renew(signal);
        isFailing = false;
      } catch (error) {
        if (signal.aborted) return;
        if (isFault(error, "failed_precondition")) throw error;
        if (!isFailing) log.warn("lease not renewed", { lease: ref.name, error: describeError(error) });
        isFailing = true;
      }
    }
  }

  /** Gives it up, so that another process takes over at once. */
  async release(): Promise<void> {
    const { cluster, log, ref } = this.#options;
    const held = this.#held;
    if (held === undefined) return;
    [this.#held, this.#heldUntil] = [undefined, NEVER];
    try {
      const { resourceVersion, uid } = held.metadata;
      const signal = AbortSignal.timeout(CALL_MS_MAX);
      await deleteObject(cluster, LEASES, ref, { propagation: "Background", uid, resourceVersion, signal });
    } catch (error) {
      // It ends by itself.
      log.warn("lease not given up", { lease: ref.name, error: describeError(error) });
    }
  }

  /** Returns the holder if it is another process. */
  async #tryAcquire(signal: AbortSignal): Promise<string | undefined> {
    const { cluster, identity, ref } = this.#options;
    const calledAt = this.#now();
    const options = this.#callOptions(signal);
    try {
      const found = await getObject(cluster, LEASES, ref, options);
      const holder = found?.spec.holderIdentity ?? "";
      if (found !== undefined && holder !== identity && holder !== "" && !this.#isOver(found)) return holder;
      const taken = found === undefined
        ? await createObject(cluster, LEASES, this.#manifest(), options)
        : await patchObject(cluster, LEASES, ref, this.#change(found, holder !== identity), options);
      [this.#held, this.#heldUntil] = [taken, heldSince(calledAt)];
      return undefined;
    } catch (error) {
      // Another process was faster.
      if (isConflict(error)) return "another process";
      throw error;
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { cluster, identity, ref } = this.#options;
    const known = this.#held;
    // It was given up, or never held: there is nothing to renew.
    if (known === undefined) return;
    const options = this.#callOptions(signal);
    const calledAt = this.#now();
    try {
      this.#held = await patchObject(cluster, LEASES, ref, this.#change(known, false), options);
      this.#heldUntil = heldSince(calledAt);
    } catch (error) {
      if (!isConflict(error) && !isFault(error, "not_found")) throw error;
      const found = await getObject(cluster, LEASES, ref, options);
      // A renewal whose answer was lost, or a person has edited or deleted the object.
      if (found?.spec.holderIdentity === identity) this.#held = found;
      else if (found === undefined) {
        this.#held = await createObject(cluster, LEASES, this.#manifest(), options);
      } else throw this.#lost(found.spec.holderIdentity ?? "no holder");
    }
  }

  #lost(holder: string): Fault {
    [this.#held, this.#heldUntil] = [undefined, NEVER];
    const { namespace, name } = this.#options.ref;
    return publicFault(
      "failed_precondition",
      `The lease ${namespace}/${name} is held by ${holder}, who acts for this process now. Start this one again to have it ` +
        "wait for its turn.",
    );
  }

  #isOver({ metadata, spec }: Lease): boolean {
    const now = this.#elapsedMs();
    if (metadata.resourceVersion !== this.#seen.version) {
      this.#seen = { version: metadata.resourceVersion, sinceMs: now };
    }
    const durationMs = (spec.leaseDurationSeconds ?? DURATION_MS / 1_000) * 1_000;
    return now - this.#seen.sinceMs >= durationMs;
  }

  #manifest() {
    const { identity, labels, ref } = this.#options;
    const acquireTime = this.#microTime();
    return {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { ...ref, labels },
      spec: { ...this.#term(identity), acquireTime, leaseTransitions: 0 },
    };
  }

  /** The change of a lease that is still as it was when it was read. */
  #change({ metadata, spec }: Lease, isNew: boolean) {
    const { resourceVersion } = metadata;
    const taken = { acquireTime: this.#microTime(), leaseTransitions: (spec.leaseTransitions ?? 0) + 1 };
    return {
      metadata: { resourceVersion },
      spec: { ...this.#term(this.#options.identity), ...(isNew ? taken : {}) },
    };
  }

  #term(holderIdentity: string) {
    return { holderIdentity, leaseDurationSeconds: DURATION_MS / 1_000, renewTime: this.#microTime() };
  }

  /** Kubernetes' `MicroTime`. */
  #microTime(): string {
    return new Date(this.#options.clock.now()).toISOString().replace("Z", "000Z");
  }

  #callOptions(signal: AbortSignal) {
    return { schema: Lease, signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]) };
  }
}

/** A cluster into which nothing is written but by the holder of the lease. */
export function fencedCluster(cluster: Cluster, lease: Pick<LeaderLease, "isHeld">): Cluster {
  return {
    server: cluster.server,
    async call(request) {
      if (isWrite(request) && !lease.isHeld) {
        throw new Fault("unavailable", "this process does not hold its lease: another one may act");
      }
      return await cluster.call(request);
    },
    close: () => cluster.close(),
  };
}

/** A review of a token is sent like an object, and changes nothing. */
function isWrite({ method, path }: ApiRequest): boolean {
  return method !== "GET" && !path.startsWith("/apis/authentication.k8s.io/");
}

function isConflict(error: unknown): boolean {
  return error instanceof Fault && "status" in error && error.status === 409;
}

import type { Clock } from "../../../../../pkg/clock/mod.ts";
import { type Answer, probeOnce, type ProbeTarget } from "./probe.ts";
import type { HealthCheck } from "../../deployment/health_check.ts";
import type { Health } from "./status.ts";

const FIRST_MS = 100;
const GROWTH = 1.25;
const UNHEALTHY_MS_MAX = 1_000;
const HEALTHY_MS = 1_000;
/** A health check of a healthy app without an answer for so long is reported before its timeout: the next check begins within
 * a second, so an app that hangs is reported after 2.5 s. */
const OPEN_MS = 1_500;
/** A healthy app is asked so often while it fails. */
const FAILING_MS = 1_000;
/** A healthy app that fails for so long is unhealthy: a pause of its own, or a check that was slow once, is not. */
const FAILING_MS_MAX = 5_000;
/** A failure is reported when it lasts: one bad answer among good ones is not. */
const REPORT_MS = 1_000;
/** A starting app is not called unhealthy before it has failed so many times. */
const FIRST_FAILURES = 3;

interface Probing {
  readonly key: string;
  readonly stop: AbortController;
  /** Its changes count from the next question on. */
  target: ProbeTarget;
  health: Health;
  done: Promise<void>;
}

/** Probes a set of containers in the background and reports changes of their health. */
export class Prober {
  readonly #clock: Clock;
  readonly #onChange: (name: string, health: Health) => void;
  readonly #probe: typeof probeOnce;
  readonly #running = new Map<string, Probing>();
  #closed = false;

  constructor(
    options: {
      readonly clock: Clock;
      readonly onChange: (name: string, health: Health) => void;
      readonly probe?: typeof probeOnce;
    },
  ) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
    this.#probe = options.probe ?? probeOnce;
  }

  /** The health of `name` now. Another key than last time starts from `unknown`. */
  health(name: string, target: ProbeTarget): Health {
    const current = this.#running.get(name);
    if (current?.key === target.key) {
      current.target = target;
      return current.health;
    }
    current?.stop.abort();
    if (this.#closed) return { kind: "unknown" };
    const entry: Probing = {
      key: target.key,
      target,
      health: { kind: "unknown" },
      stop: new AbortController(),
      done: Promise.resolve(),
    };
    this.#running.set(name, entry);
    entry.done = this.#run(name, entry);
    return entry.health;
  }

  /** Stops probing `name`. */
  forget(name: string): void {
    this.#running.get(name)?.stop.abort();
    this.#running.delete(name);
  }

  /** Stops everything and waits until it has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#running.values()];
    for (const name of this.#running.keys()) this.forget(name);
    await Promise.all(all.map((each) => each.done));
  }

  /** A question that cannot even be asked is an answer that did not come; it must not end the agent. */
  async #ask(target: ProbeTarget, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#probe(target, signal);
    } catch (error) {
      signal.throwIfAborted();
      return { ok: false, detail: error instanceof Error ? error.message.slice(0, 200) : "no answer" };
    }
  }

  /** Calls `late` once if a question is still open after its time. */
  async #whileOpen(answered: AbortSignal, late: () => void): Promise<void> {
    try {
      await this.#clock.sleep(OPEN_MS, answered);
    } catch {
      return;
    }
    if (!answered.aborted) late();
  }

  async #run(name: string, entry: Probing): Promise<void> {
    const { signal } = entry.stop;
    const record = new HealthRecord(this.#clock.now(), entry.target.check);
    try {
      while (!signal.aborted) {
        const askedMs = this.#clock.now();
        const tell = (changed: Health | undefined): void => {
          if (changed === undefined) return;
          entry.health = changed;
          this.#onChange(name, changed);
        };
        const answered = new AbortController();
        const open = this.#whileOpen(
          AbortSignal.any([signal, answered.signal]),
          () => tell(record.wait(askedMs)),
        );
        const answer = await this.#ask(entry.target, signal).finally(() => answered.abort());
        await open;
        tell(record.take(answer, this.#clock.now(), askedMs));
        await this.#clock.sleep(record.waitMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** The answers of one run, and the health that follows from them. */
export class HealthRecord {
  #health: Health = { kind: "unknown" };
  #wasHealthy = false;
  #failures = 0;
  #failingSinceMs: number;
  #waitMs = FIRST_MS;

  readonly #healthyMs: number;
  readonly #failingMsMax: number;
  readonly #mayTakeLong: boolean;

  /**
   * @param nowMs the time from which on a run without any good answer fails
   * @param check gives the times between questions, and how long an app may fail
   */
  constructor(
    nowMs: number,
    { intervalMs, timeoutMs, unhealthyMs }: Pick<HealthCheck, "intervalMs" | "timeoutMs" | "unhealthyMs">,
  ) {
    this.#failingSinceMs = nowMs;
    this.#healthyMs = intervalMs || HEALTHY_MS;
    this.#failingMsMax = unhealthyMs || FAILING_MS_MAX;
    this.#mayTakeLong = timeoutMs > 0;
  }

  /** The time until the next question. */
  get waitMs(): number {
    return this.#waitMs;
  }

  /**
   * Reports a healthy app as failing that has not answered for {@linkcode OPEN_MS}, and counts nothing. An app with its own
   * timeout may use that time.
   */
  wait(askedMs: number): Health | undefined {
    if (this.#health.kind !== "healthy" || this.#mayTakeLong) return undefined;
    return this.#health = { kind: "failing", detail: `no answer for ${OPEN_MS / 1_000} s`, sinceMs: askedMs };
  }

  /** Returns the health when it changes. @param askedMs the time of the question: an app that hangs fails from then on */
  take(answer: Answer, nowMs: number, askedMs: number = nowMs): Health | undefined {
    const before = this.#health;
    if (answer.ok) {
      [this.#failures, this.#wasHealthy, this.#waitMs] = [0, true, this.#healthyMs];
      this.#health = { kind: "healthy" };
      return before.kind === "healthy" ? undefined : this.#health;
    }
    if (this.#failures === 0 && this.#wasHealthy) this.#failingSinceMs = askedMs;
    this.#failures++;
    this.#waitMs = this.#wasHealthy ? Math.min(FAILING_MS, this.#healthyMs) : this.#nextStartMs();
    const health = this.#failing(answer.detail, nowMs);
    if (health === undefined) return undefined;
    if (before.kind === health.kind && before.detail === health.detail) return undefined;
    return this.#health = health;
  }

  /** `undefined` for failures that say nothing yet. */
  #failing(detail: string, nowMs: number): Exclude<Health, { kind: "healthy" | "unknown" }> | undefined {
    const [sinceMs, wasHealthy] = [this.#failingSinceMs, this.#wasHealthy];
    if (this.#isUnhealthy(nowMs)) return { kind: "unhealthy", detail, sinceMs, wasHealthy };
    return wasHealthy && nowMs - sinceMs >= REPORT_MS ? { kind: "failing", detail, sinceMs } : undefined;
  }

  #isUnhealthy(nowMs: number): boolean {
    if (!this.#wasHealthy) return this.#failures >= FIRST_FAILURES;
    return this.#failures > 1 && nowMs - this.#failingSinceMs >= this.#failingMsMax;
  }

  #nextStartMs(): number {
    return this.#failures === 1 ? FIRST_MS * GROWTH : Math.min(UNHEALTHY_MS_MAX, this.#waitMs * GROWTH);
  }
}

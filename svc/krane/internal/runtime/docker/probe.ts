import type { Clock } from "../../../../../pkg/clock/mod.ts";
import type { Health } from "./status.ts";

/** Where an app should answer. */
export interface ProbeTarget {
  /** One run of one container; a restart is another. */
  readonly key: string;
  /** Address in the engine's network, reachable when the engine runs on this machine; may be empty. */
  readonly ip: string;
  readonly port: number;
  /** Where the same port is published. */
  readonly published: { readonly host: string; readonly port: number };
  /** Empty: an accepted connection is enough. */
  readonly path: string;
}

type Answer = { readonly ok: true } | { readonly ok: false; readonly detail: string };

const CONNECT_MS = 1_000;
const HTTP_MS = 3_000;
/** The engine's own proxy accepts for an app that does not listen, and hangs up at once. */
const HANG_UP_MS = 250;

/** Asks once. */
export async function probeOnce(target: ProbeTarget, signal: AbortSignal): Promise<Answer> {
  const direct = target.ip === "" ? "unreachable" : await connects(target.ip, target.port, signal);
  if (direct === "refused") return { ok: false, detail: "connection refused" };
  const reachable = direct === "accepted";
  if (!reachable && !await staysOpen(target.published.host, target.published.port, signal)) {
    return { ok: false, detail: "no connection" };
  }
  if (target.path === "") return { ok: true };
  const base = reachable
    ? `${target.ip}:${target.port}`
    : `${target.published.host}:${target.published.port}`;
  return await asks(`http://${base}${target.path}`, signal);
}

async function connects(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<"accepted" | "refused" | "unreachable"> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  try {
    (await Deno.connect({ hostname, port, signal: limit })).close();
    return "accepted";
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Deno.errors.ConnectionRefused ? "refused" : "unreachable";
  }
}

/** Whether a connection is accepted and not closed right away. */
async function staysOpen(hostname: string, port: number, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
  try {
    const connection = await Deno.connect({ hostname, port, signal: limit });
    const late = setTimeout(() => connection.close(), HANG_UP_MS);
    try {
      // A server that speaks first is alive; the end of the stream says that nobody is behind the proxy.
      return await connection.read(new Uint8Array(1)) !== null;
    } catch (error) {
      return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
    } finally {
      clearTimeout(late);
      try {
        connection.close();
      } catch {
        // The timer has closed it.
      }
    }
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

async function asks(url: string, signal: AbortSignal): Promise<Answer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(HTTP_MS)]);
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: limit,
      headers: { "user-agent": "unkey-health-check", "connection": "close" },
    });
    await response.body?.cancel();
    const ok = response.status >= 200 && response.status < 400;
    return ok ? { ok } : { ok, detail: `it answered ${response.status}` };
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return { ok: false, detail: `no answer within ${HTTP_MS / 1_000} s` };
    return { ok: false, detail: error instanceof Error ? error.message.slice(0, 200) : "no answer" };
  }
}

const FIRST_MS = 100;
const GROWTH = 1.25;
const UNHEALTHY_MS_MAX = 1_000;
const HEALTHY_MS = 5_000;
/** A healthy app may miss so many answers before it counts as unhealthy. */
const MISSES_MAX = 3;
/** A starting app is not called unhealthy before it has missed so many. */
const FIRST_MISSES = 3;

interface Probing {
  readonly key: string;
  readonly stop: AbortController;
  health: Health;
  done: Promise<void>;
}

/** Probes a set of containers in the background and tells when the health of one changes. */
export class Prober {
  readonly #clock: Clock;
  readonly #onChange: (name: string) => void;
  readonly #probe: typeof probeOnce;
  readonly #running = new Map<string, Probing>();
  #closed = false;

  constructor(options: { clock: Clock; onChange: (name: string) => void; probe?: typeof probeOnce }) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
    this.#probe = options.probe ?? probeOnce;
  }

  /** The health of `name` now. Another key than last time starts anew. */
  health(name: string, target: ProbeTarget): Health {
    const key = JSON.stringify(target);
    const current = this.#running.get(name);
    if (current?.key === key) return current.health;
    current?.stop.abort();
    if (this.#closed) return { kind: "unknown" };
    const stop = new AbortController();
    const entry: Probing = { key, health: { kind: "unknown" }, stop, done: Promise.resolve() };
    this.#running.set(name, entry);
    entry.done = this.#run(name, target, (health) => entry.health = health, stop.signal);
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

  async #run(
    name: string,
    target: ProbeTarget,
    set: (health: Health) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let [waitMs, misses, last] = [FIRST_MS, 0, ""];
    let healthy: boolean | undefined;
    try {
      while (!signal.aborted) {
        const answer = await this.#probe(target, signal);
        misses = answer.ok ? 0 : misses + 1;
        const next = answer.ok
          ? true
          : misses >= (healthy === true ? MISSES_MAX : FIRST_MISSES)
          ? false
          : healthy;
        const detail = answer.ok ? "" : answer.detail;
        if (next !== healthy || (next === false && detail !== last)) {
          set(next === true ? { kind: "healthy" } : { kind: "unhealthy", detail });
          this.#onChange(name);
        }
        [healthy, last] = [next, detail];
        if (answer.ok) waitMs = FIRST_MS;
        else waitMs = Math.min(UNHEALTHY_MS_MAX, waitMs * GROWTH);
        await this.#clock.sleep(answer.ok ? HEALTHY_MS : waitMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

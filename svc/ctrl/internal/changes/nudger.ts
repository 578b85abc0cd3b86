import type { Clock } from "../../../../pkg/clock/mod.ts";
import type { Secret } from "../../../../pkg/config/mod.ts";
import { describeError } from "../../../../pkg/fault/mod.ts";
import type { Logger } from "../../../../pkg/logger/mod.ts";
import { type CtrlDatabase, listNudgeUrls } from "../store/mod.ts";

/** To be called after a commit. A lost call costs one poll, never a change. */
export interface ChangeNotifier {
  changed(regions: readonly string[]): void;
}

export interface NudgerOptions {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  /** The service token. */
  readonly token: Secret;
  /** The hub of this process, if it has one: it is notified first, and without a request. */
  readonly local?: ChangeNotifier;
  /** The nudge URL of this process, which needs no request. */
  readonly ownUrl?: string;
  /** Makes the requests; the runtime's by default. */
  readonly fetch?: typeof fetch;
}

/** Notifies the api processes, so that they need not wait for their next poll. */
export interface Nudger extends ChangeNotifier {
  /** Waits for the calls under way. */
  close(): Promise<void>;
}

const NUDGE_MS_MAX = 1_000;
/** A process that has just registered is not nudged for so long: it polls. */
const URLS_KEPT_MS = 1_000;

/**
 * A notifier over HTTP: `POST <nudge url> {"regions": [...]}` to every process with a lease. At most one round is under
 * way; calls that come meanwhile share the next.
 */
export function createNudger(options: NudgerOptions): Nudger {
  const { db, clock, log, token, local, ownUrl, fetch: request = fetch } = options;
  const waiting = new Set<string>();
  let round: Promise<void> | undefined;
  let urls: { readonly list: readonly string[]; readonly atMs: number } | undefined;

  async function targets(): Promise<readonly string[]> {
    const nowMs = clock.now();
    if (urls === undefined || nowMs - urls.atMs > URLS_KEPT_MS) {
      urls = { list: await listNudgeUrls(db.kysely, nowMs), atMs: nowMs };
    }
    return urls.list.filter((url) => url !== ownUrl);
  }

  async function nudge(url: string, body: string): Promise<void> {
    try {
      const response = await request(url, {
        method: "POST",
        headers: { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" },
        body,
        signal: AbortSignal.timeout(NUDGE_MS_MAX),
      });
      await response.body?.cancel();
      if (!response.ok) log.warn("nudge refused", { url, status: response.status });
    } catch (error) {
      log.debug("nudge failed", { url, error: describeError(error) });
    }
  }

  async function rounds(): Promise<void> {
    while (waiting.size > 0) {
      const body = JSON.stringify({ regions: [...waiting] });
      waiting.clear();
      try {
        await Promise.all((await targets()).map((url) => nudge(url, body)));
      } catch (error) {
        log.debug("no process was nudged", { error: describeError(error) });
      }
    }
    round = undefined;
  }

  return {
    changed(regions) {
      local?.changed(regions);
      for (const region of regions) waiting.add(region);
      // Not in the caller's turn: it may still be inside its transaction's call stack.
      round ??= Promise.resolve().then(rounds);
    },
    async close() {
      await round;
    },
  };
}

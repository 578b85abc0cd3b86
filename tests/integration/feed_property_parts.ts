/** The parts whose promise the property is about: an api, and an agent for each region, in this process. */
import { literalConfig } from "../../cmd/up/literal.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import type { Secret } from "../../pkg/config/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { API_FIELDS } from "../../svc/ctrl/api/config.ts";
import { runApi } from "../../svc/ctrl/api/run.ts";
import { KRANE_FIELDS } from "../../svc/krane/config.ts";
import { runKrane } from "../../svc/krane/run.ts";
import type { FakeRegion } from "./feed_chaos.ts";

/** The tokens of the worker and of the operator. */
export const SERVICE_TOKEN = "property-service-token-0123456789";
const clock = systemClock();
const log = silentLogger();

/** A region, its runtime, and the agent that is there most of the time. */
export interface Place {
  readonly region: string;
  readonly token: string;
  readonly runtime: FakeRegion;
  readonly stateDir: string;
  /** Ends the agent. What it kept on disk is then as it was when it was killed. */
  kill: () => Promise<void>;
}

/** Starts an api; it is ready when this resolves; the promise in its answer is the end of it. */
export async function startApi(
  port: number,
  { databaseUrl, directory, signal }: { databaseUrl: Secret; directory: string; signal: AbortSignal },
): Promise<Promise<void>[]> {
  const ready = Promise.withResolvers<void>();
  const config = literalConfig(API_FIELDS, {
    UNKEY_HTTP_HOST: "127.0.0.1",
    UNKEY_HTTP_PORT: String(port),
    UNKEY_ADVERTISE_URL: `http://127.0.0.1:${port}`,
    UNKEY_DATABASE_PRIMARY: databaseUrl.reveal(),
    UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
    UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
    UNKEY_RESTATE_INGRESS_URL: "http://127.0.0.1:1",
    UNKEY_BUILD_FILES_DIR: `${directory}/objects`,
  });
  const runs = runApi(config, { log, clock, signal, onReady: () => ready.resolve() });
  await Promise.race([ready.promise, runs]);
  return [runs];
}

/** Starts the agent of a place, which is ready when this resolves, and gives the place a way to kill it. */
export async function startAgent(place: Place, apiUrl: string): Promise<void> {
  const { region, token, runtime, stateDir } = place;
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const config = literalConfig(KRANE_FIELDS, {
    UNKEY_CONTROL_PLANE_URL: apiUrl,
    UNKEY_CONTROL_PLANE_BEARER: token,
    UNKEY_REGION: region,
    UNKEY_HTTP_PORT: "0",
    UNKEY_KRANE_STATE_DIR: stateDir,
    UNKEY_KRANE_DRAIN_MS: "0",
  });
  const runs = runKrane(config, { log, clock, signal: stop.signal, runtime, onReady: () => ready.resolve() });
  await Promise.race([ready.promise, runs]);
  place.kill = async () => {
    // It would save once more when it stops in order, which one that is killed does not.
    const saved = await Deno.readTextFile(`${stateDir}/state.json`).catch(() => undefined);
    stop.abort();
    await runs;
    if (saved === undefined) await Deno.remove(`${stateDir}/state.json`).catch(() => undefined);
    else await Deno.writeTextFile(`${stateDir}/state.json`, saved);
    place.kill = () => Promise.resolve();
  };
}

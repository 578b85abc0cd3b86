/** An edge as its command starts it, for tests that feed it. */
import { Secret } from "../../pkg/config/mod.ts";
import { type Clock, systemClock } from "../../pkg/clock/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import { NO_METRICS, openMetrics } from "../../pkg/metrics/mod.ts";
import { LIMITS } from "../../pkg/proxy/mod.ts";
import type { FrontlineConfig } from "../../svc/frontline/config.ts";
import { type FrontlineProcess, runFrontline } from "../../svc/frontline/run.ts";
import { freePort } from "../testbed/wait.ts";
import { Wire } from "../../pkg/proxy/testing_wire.ts";

/** Times of a watch that does not keep a test waiting. */
export const TIMES = {
  heartbeatTimeoutMs: 60_000,
  retryFirstMs: 10,
  retryMsMax: 50,
  acknowledgeMs: 10,
  heartbeatMs: 60_000,
  routeWaitMs: 200,
};

/** An app that answers with its name. */
export function app(name: string): { port: number; stop: () => Promise<void> } {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    () => new Response(name),
  );
  return { port: server.addr.port, stop: () => server.shutdown() };
}

/** An edge in this process, and what it logged. */
export interface TestEdge extends AsyncDisposable {
  readonly port: number;
  readonly httpsPort: number | undefined;
  readonly healthPort: number | undefined;
  readonly ready: Promise<void>;
  readonly logs: string[];
  readonly stop: () => void;
  readonly done: Promise<void>;
}

/** Starts an edge that is fed by the control plane at `url`. */
export function startEdge(
  url: string,
  extra: Partial<FrontlineConfig> = {},
  times = TIMES,
  clock: Clock = systemClock(),
  issue: FrontlineProcess["issue"] = undefined,
): TestEdge {
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const logs: string[] = [];
  const httpPort = freePort();
  const info: { healthPort: number | undefined; httpsPort: number | undefined } = {
    healthPort: undefined,
    httpsPort: undefined,
  };
  const config: FrontlineConfig = {
    ...LIMITS,
    httpPort,
    httpsPort: undefined,
    httpsPublicPort: 443,
    httpsRedirect: true,
    hstsSeconds: 0,
    hstsSubDomains: false,
    hstsPreload: false,
    apiHost: undefined,
    certificatesOnDemand: false,
    proxyProtocolFrom: [],
    httpHost: "127.0.0.1",
    healthPort: undefined,
    controlPlaneUrl: url,
    caFile: undefined,
    clientCertFile: undefined,
    clientKeyFile: undefined,
    controlPlaneBearer: new Secret("region_edge"),
    region: "local",
    frontlineId: "edge_test",
    trustedProxies: [],
    metricsFrom: ["127.0.0.1"],
    drainMs: 2_000,
    stopDelayMs: 0,
    ...extra,
  };
  const log = createLogger({ service: "frontline", level: "info", write: (line) => void logs.push(line) });
  const run = async (): Promise<void> => {
    const registry = config.healthPort === undefined ? undefined : await openMetrics({ clock, log });
    const metrics = registry?.part("frontline") ?? NO_METRICS;
    const onReady: FrontlineProcess["onReady"] = ({ healthPort, httpsPort }) => {
      info.healthPort = healthPort;
      info.httpsPort = httpsPort;
      ready.resolve();
    };
    const process = { log, clock, signal: stop.signal, times, issue, metrics, registry, onReady };
    await runFrontline(config, process).finally(() => registry?.close());
  };
  const done = run();
  done.catch(() => undefined);
  return {
    port: httpPort,
    get httpsPort() {
      return info.httpsPort;
    },
    get healthPort() {
      return info.healthPort;
    },
    ready: ready.promise,
    logs,
    stop: () => stop.abort(),
    done,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
    },
  };
}

/** One request on a connection of its own. */
export async function get(
  port: number,
  host: string,
  path = "/",
  headers = "",
): Promise<{ status: number; body: string }> {
  using wire = await Wire.connect(port);
  await wire.send(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers}Connection: close\r\n\r\n`);
  const { text } = await wire.toEnd();
  const [head = "", ...rest] = text.split("\r\n\r\n");
  return { status: Number(head.slice(9, 12)), body: rest.join("\r\n\r\n") };
}

/** True when no server listens on `port`. */
export async function refuses(port: number): Promise<boolean> {
  try {
    (await Wire.connect(port)).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    // A listener that closes resets the connections in its queue.
    if (error instanceof Deno.errors.ConnectionReset) return false;
    throw error;
  }
}

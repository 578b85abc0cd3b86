import { networkMatcher } from "../../../pkg/networks/mod.ts";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { LIMITS, type ProxyLimits, type Upstream } from "../../../pkg/proxy/mod.ts";
import { type Metrics, type MetricsRegistry, NO_METRICS } from "../../../pkg/metrics/mod.ts";
import { metricsRoute } from "../../../pkg/metrics_server/mod.ts";
import { createRpcClient, serveRpc } from "../../../pkg/rpc/mod.ts";
import { shareOfDescriptors } from "../../../pkg/tcp/mod.ts";
import { openClientTls, warnOfPlain } from "../../../pkg/tls/mod.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import { Runner } from "../../../pkg/runner/mod.ts";
import { fieldName, type Secret } from "../../../pkg/config/mod.ts";
import { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { type EdgeConfig, FRONTLINE_FIELDS } from "../config.ts";
import type { InheritedSockets } from "../inherited.ts";
import { hstsValue, HTTPS_FIELDS, type HttpsConfig } from "../config_https.ts";
import { Challenges } from "./challenges.ts";
import type { EdgeCertificate } from "./certificates.ts";
import { Edge } from "./edge.ts";
import type { EdgeHttps, EdgeOptions } from "./edge_options.ts";
import { FailedRequests } from "./failed_requests.ts";
import { watchEdge } from "./metrics.ts";
import { reportLoad } from "./load_reporter.ts";
import { reportRefusals } from "./refusal_reporter.ts";
import { Refusals } from "./refusals.ts";
import { RequestedDeployments } from "./requested.ts";
import { cheapRandom } from "./split.ts";
import { Traffic } from "./traffic.ts";
import { reportTraffic } from "./traffic_reporter.ts";
import { Watcher, type WatchTimes } from "./watcher.ts";

/** The ports that were taken. */
export interface EdgePorts {
  readonly port: number;
  readonly httpsPort: number | undefined;
  readonly healthPort: number | undefined;
}

/** Issues a certificate for a host name that has a route. */
export type IssueCertificate = (
  hostname: string,
) => Promise<
  Pick<EdgeCertificate, "certificateChainPem" | "privateKeyPem"> & { readonly notAfterMs: number }
>;

/** The process that an edge runs in. */
export interface EdgeProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts to stop. */
  readonly signal: AbortSignal;
  /** Called once, when requests are routed. */
  readonly onReady?: (info: EdgePorts) => void;
  /** Overrides for tests. */
  readonly times?: Partial<WatchTimes>;
  readonly limits?: Partial<ProxyLimits>;
  /** False where a bench measures the cost of counting. */
  readonly countsTraffic?: boolean;
  /** Issues certificates here, instead of an authority that the control plane asks. */
  readonly issue?: IssueCertificate | undefined;
  /** Sockets that are listened on instead of the ports of the settings. */
  readonly sockets?: InheritedSockets | undefined;
  readonly metrics?: Metrics;
  /** For the health port, where there is one. */
  readonly registry?: MetricsRegistry | undefined;
}

/** The part of the process's descriptors that clients may use: each request under way needs another one, to its app. */
const DESCRIPTORS_SHARE = 0.6;
/** More than the drain, so that the drain ends by itself. */
const CLOSE_MARGIN_MS = 5_000;
const PROCESS_NAME_LENGTH = 12;
/** The longest wait for routes before connections are accepted. */
const ROUTES_MS_MAX = 30_000;

/** The differences between an edge and a sentinel. */
export interface EdgeRole {
  /** For the control plane and logs. */
  readonly id: string;
  readonly port: number;
  readonly token: Secret;
  /** See `EdgeOptions`. */
  readonly namedDeployments: boolean;
  /** See `WatcherOptions`. */
  readonly acknowledges: boolean;
  /** After a stop it accepts connections for so long, while its health check answers 503. */
  readonly stopDelayMs: number;
  /** Its own TLS, and the answers to certificate authorities; absent in a sentinel. */
  readonly https?: HttpsConfig;
  /** True for balancers that speak the PROXY protocol. */
  readonly fromBalancer?: (address: string) => boolean;
  /** See `EdgeOptions`. */
  readonly apiHost?: string | undefined;
  readonly ordersCertificates?: boolean;
}

/**
 * Serves apps until `process.signal` aborts. Routes and instances come from the control plane; while it is away the
 * last known ones are used.
 *
 * @throws `failed_precondition` when a port is taken
 */
export async function serveEdge(role: EdgeRole, config: EdgeConfig, process: EdgeProcess): Promise<void> {
  const { log, clock, signal, metrics = NO_METRICS } = process;
  const requested = role.acknowledges ? new RequestedDeployments() : undefined;
  const failedRequests = role.acknowledges ? new FailedRequests() : undefined;
  warnOfPlain(log, { [fieldName(FRONTLINE_FIELDS.controlPlaneUrl)]: config.controlPlaneUrl });
  const trust = await openClientTls(config, { clock, log });
  const rpc = { baseUrl: config.controlPlaneUrl, token: role.token, fetch: trust.fetch };
  const refusals = role.acknowledges ? new Refusals() : undefined;
  const traffic = role.acknowledges && process.countsTraffic !== false
    ? new Traffic(newDnsName(PROCESS_NAME_LENGTH))
    : undefined;
  const acme = createRpcClient(AcmeService, rpc);
  const client = createRpcClient(FrontlineService, rpc);
  const edge = new Edge({
    clock,
    log,
    region: config.region,
    limits: { ...limitsOf(config), ...process.limits },
    trusts: networkMatcher(config.trustedProxies),
    namedDeployments: role.namedDeployments,
    random: cheapRandom(clock.now()),
    ...(requested === undefined ? {} : { requested }),
    https: edgeHttps(role.https),
    fromBalancer: role.fromBalancer,
    challenges: role.https && new Challenges({ client: acme, clock, log }),
    wants: process.issue === undefined
      ? role.ordersCertificates === true ? acme : undefined
      : localIssuer(process.issue, (certificate) => edge.certificates.apply(certificate)),
    api: role.apiHost === undefined
      ? undefined
      : { host: role.apiHost, upstream: apiUpstream(config.controlPlaneUrl) },
    refusals,
    failedRequests,
    traffic,
    passwords: client,
    wakes: client,
  });
  const ready = Promise.withResolvers<void>();
  const watcher = new Watcher({
    client,
    table: edge.table,
    certificates: edge.certificates,
    clock,
    log,
    edgeId: role.id,
    region: config.region,
    acknowledges: role.acknowledges,
    requested,
    failedRequests,
    metrics,
    onAcknowledge: () => edge.noteOpenRequests(),
    onReady: () => {
      edge.ready = true;
      ready.resolve();
    },
    ...(process.times === undefined ? {} : { times: process.times }),
  });
  watchEdge(metrics, { edge, version: () => watcher.version });
  const runner = new Runner({
    log,
    clock,
    limitMs: role.stopDelayMs + config.drainMs + CLOSE_MARGIN_MS,
  });
  runner.defer("trust", () => trust.close());
  try {
    const healthPort = await serveHealth(config, process, { edge, runner });
    const drained = new AbortController();
    const listening = listen({ edge, role, config, process, ready: ready.promise });
    runner.go("proxy", async (stopping) => {
      try {
        await listening;
        await aborted(stopping);
        edge.stopping = true;
        await clock.sleep(role.stopDelayMs);
        edge.sleepers?.queue.drain(config.drainMs);
        await edge.proxy.close(config.drainMs);
      } finally {
        edge.sleepers?.queue.close();
        drained.abort(new Error("The proxy has closed"));
      }
    });
    // They outlive the stop: instances come and go, and limits count, until the last request has ended.
    runner.go("ports", (stopping) => edge.proxy.watch(stopping));
    runner.go("limits", () => edge.proxy.run(drained.signal));
    runner.go("authority files", () => trust.follow(drained.signal));
    runner.go("routes", () => watcher.run(drained.signal));
    runner.go("acknowledge", () => watcher.acknowledge(drained.signal));
    if (refusals !== undefined) {
      const report = { refusals, client, clock, log, edgeId: role.id };
      runner.go("refusals", () => reportRefusals(report, drained.signal));
    }
    if (traffic !== undefined) {
      const report = { traffic, client, clock, log, edgeId: role.id, region: config.region };
      runner.go("traffic", () => reportTraffic(report, drained.signal));
      const load = {
        ...report,
        take: (nowMs: number) => edge.takeLoads(nowMs),
        processId: traffic.processName,
      };
      runner.go("load", () => reportLoad(load, drained.signal));
    }
    const { port, httpsPort } = await listening;
    void ready.promise.then(() => {
      const counts = { routes: edge.table.size, certificates: edge.certificates.size };
      log.info("ready", { port, https_port: httpsPort, edge_id: role.id, region: config.region, ...counts });
      process.onReady?.({ port, httpsPort, healthPort });
    });
  } catch (error) {
    await runner.shutdown();
    throw error;
  }
  await runner.wait(signal);
}

function edgeHttps(config: HttpsConfig | undefined): EdgeHttps | undefined {
  if (config?.httpsPort === undefined) return undefined;
  return {
    publicPort: config.httpsPublicPort,
    redirects: config.httpsRedirect,
    strictTransport: hstsValue(config),
  };
}

/** Answers as the control plane does, and takes the certificate at once. */
function localIssuer(
  issue: IssueCertificate,
  apply: (certificate: EdgeCertificate) => void,
): NonNullable<EdgeOptions["wants"]> {
  return {
    async wantCertificate({ hostname = "" }) {
      const issued = await issue(hostname);
      apply({
        ...issued,
        certificateId: `local/${hostname}`,
        hostname,
        notAfterMs: BigInt(issued.notAfterMs),
      });
      return { $typeName: "ctrl.v1.WantCertificateResponse", ordered: true };
    },
  };
}

/** The api as an upstream. It speaks HTTP/1.1 in clear text, on this machine or in its network. */
function apiUpstream(url: string): Upstream {
  const { hostname, port } = new URL(url);
  return { key: "control-plane", host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || "80") };
}

interface Listening {
  readonly edge: Edge;
  readonly role: EdgeRole;
  readonly config: EdgeConfig;
  readonly process: EdgeProcess;
  readonly ready: Promise<void>;
}

/**
 * Begins to accept connections. Those that wait in a socket of a predecessor are accepted when their routes are known, since
 * they would get an error before; but not much later, since the control plane may be away for long.
 */
async function listen(
  { edge, role, config, process, ready }: Listening,
): Promise<{ readonly port: number; readonly httpsPort: number | undefined }> {
  const { sockets, clock, signal } = process;
  if (sockets !== undefined) {
    const done = new AbortController();
    const late = clock.sleep(ROUTES_MS_MAX, AbortSignal.any([signal, done.signal])).catch(() => undefined);
    await Promise.race([ready, late]);
    done.abort();
  }
  const port = await edge.proxy.listen({
    host: config.httpHost,
    port: role.port,
    descriptor: sockets?.http,
    portSetting: `--${FRONTLINE_FIELDS.httpPort.flag} (${FRONTLINE_FIELDS.httpPort.env})`,
  });
  const securePort = role.https?.httpsPort;
  if (securePort === undefined) return { port, httpsPort: undefined };
  const httpsPort = await edge.proxy.listen({
    host: config.httpHost,
    port: securePort,
    descriptor: sockets?.https,
    portSetting: `--${HTTPS_FIELDS.httpsPort.flag} (${HTTPS_FIELDS.httpsPort.env})`,
    tls: { contextOf: (name) => edge.contextOf(name) },
  });
  return { port, httpsPort };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function serveHealth(
  config: EdgeConfig,
  { log, clock, registry }: EdgeProcess,
  { edge, runner }: { edge: Edge; runner: Runner },
): Promise<number | undefined> {
  if (config.healthPort === undefined) return undefined;
  const server = await serveRpc({
    hostname: config.httpHost,
    port: config.healthPort,
    portSetting: `--${FRONTLINE_FIELDS.healthPort.flag} (${FRONTLINE_FIELDS.healthPort.env})`,
    log,
    clock,
    mount: () => undefined,
    ready: () => Promise.resolve(edge.ready && !edge.stopping),
    routes: registry === undefined ? [] : [metricsRoute(registry, config.metricsFrom)],
  });
  runner.defer("health", () => server.shutdown());
  runner.go("health port", (signal) => server.run(signal));
  return server.port;
}

/** The settings of limits have the names of the limits. */
function limitsOf(config: EdgeConfig): ProxyLimits {
  const connectionsMax = shareOfDescriptors(DESCRIPTORS_SHARE, config.connectionsMax);
  return { ...LIMITS, ...config, connectionsMax };
}

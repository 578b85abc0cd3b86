import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName } from "../../../pkg/config/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { loopMeters, type Metrics, NO_METRICS } from "../../../pkg/metrics/mod.ts";
import { networkMatcher } from "../../../pkg/networks/mod.ts";
import { serveRpc } from "../../../pkg/rpc/mod.ts";
import { Runner } from "../../../pkg/runner/mod.ts";
import { openClientTls, openServerTls } from "../../../pkg/tls/mod.ts";
import { newDnsName } from "../../../pkg/uid/mod.ts";
import { operatorIdleSeconds } from "../internal/deployments/idle_end_config.ts";
import { openDomains } from "../internal/domains/mod.ts";
import { AgentHeartbeats } from "../internal/agents/mod.ts";
import { ChangeHub, createNudger } from "../internal/changes/mod.ts";
import { openConfiguredDatabase } from "../internal/database_config.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { openVault } from "../internal/vault/mod.ts";
import { SpanSink } from "../internal/traces/mod.ts";
import type { Workflows } from "../internal/workflows/mod.ts";
import { createRestateWorkflows } from "../internal/workflows/restate.ts";
import { DashboardSite } from "../internal/auth/site.ts";
import { createCredentials } from "./authenticate.ts";
import { API_FIELDS, type ApiConfig, appLimits, sizeLimits } from "./config.ts";
import { countRefusals, countUploads, watchPlatform } from "./metrics.ts";
import { openDashboardFiles } from "./dashboard/files.ts";
import { dashboardRoute } from "./dashboard/route.ts";
import { codeGuessesOf, Guesses } from "./guesses.ts";
import { holdLease } from "./tasks/lease.ts";
import { NUDGE_PATH, nudgeRoute } from "./nudge.ts";
import { contextLimits, type Objects, openObjects, type OwnPort, uploadLimits } from "./objects.ts";
import { watchOpenStreams } from "./tasks/open_streams.ts";
import { sweepOutput } from "./tasks/output_sweeper.ts";
import { followDatabase } from "../internal/follow_database.ts";
import { Readiness } from "../internal/readiness.ts";
import { watchReadiness } from "../internal/ready_metrics.ts";
import { admitByPolicy, longMethods, publicMethods } from "./policies.ts";
import { restRoutes } from "./rest/mod.ts";
import { buildServices, CALL_MS_MAX, type ServiceParts } from "./mount.ts";
import { sweepRegions } from "./tasks/region_health.ts";
import { sweepAuditLog } from "./tasks/audit_sweeper.ts";
import { sweepSubmits } from "./tasks/submit_sweeper.ts";
import { sweepGraduals } from "./tasks/gradual_sweeper.ts";
import { sweepRuns } from "./tasks/run_sweeper.ts";
import { sweepSwitches } from "./tasks/switch_sweeper.ts";
import { sweepContent } from "./tasks/content_sweeper.ts";
import { sweepUploads } from "./tasks/upload_sweeper.ts";

export interface ApiProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the process is to stop. */
  readonly signal: AbortSignal;
  /** Called once, when calls are answered. */
  readonly onReady?: (info: { readonly port: number }) => void;
  readonly version?: string;
  /** A database and a hub that other parts of the same process use too. Their owner runs and closes them. */
  readonly shared?: { readonly db: CtrlDatabase; readonly hub: ChangeHub };
  /** Instead of Restate, for tests. */
  readonly workflows?: Workflows;
  readonly metrics?: Metrics;
}

/** A promote waits for the switch. */
const WORKFLOW_MS_MAX = 55_000;

/**
 * Serves the control plane until `signal` aborts, then stops, drains and closes.
 *
 * @throws `failed_precondition` when the port is taken, `unavailable` when the database or the bucket cannot be reached
 */
export async function runApi(config: ApiConfig, process: ApiProcess): Promise<void> {
  const { log, clock } = process;
  const runner = new Runner({ log, clock });
  try {
    await start(config, process, runner);
  } catch (error) {
    await runner.shutdown().catch(() => undefined);
    throw error;
  }
  await runner.wait(process.signal);
}

async function start(config: ApiConfig, given: ApiProcess, runner: Runner): Promise<void> {
  const database = given.shared?.db ?? await openOwnDatabase(config, given, runner);
  const process = { ...given, clock: await followDatabase(database, given, runner) };
  const { log, clock, metrics = NO_METRICS } = process;
  const loop = loopMeters(metrics, clock);
  let port = config.httpPort;
  let started = false;
  const tls = await openServerTls(config, { clock, log });
  const trust = await openClientTls(config, { clock, log });
  runner.defer("trust", () => trust.close());
  const own = { port: () => port, fetch: trust.fetch };
  const isProxy = networkMatcher(config.trustedProxies);
  const site = new DashboardSite(() =>
    config.dashboardUrl ?? `${tls === undefined ? "http" : "https"}://dashboard.localhost:${port}`
  );
  const codeGuesses = codeGuessesOf(new Guesses(clock), isProxy);
  const parts = await openParts(config, process, { db: database, runner, own, site, codeGuesses });
  const { db, hub, objects } = parts;
  const services = buildServices({ ...parts, objects: objects.store, uploaded: countUploads(metrics) });
  const serviceToken = config.authToken;
  const credentials = createCredentials({ db: db.kysely, clock, isProxy, serviceToken, site });
  const authenticate = countRefusals(credentials.authenticate, metrics);
  const streams = watchOpenStreams(credentials);
  const readiness = new Readiness({ db, clock, log, part: "api" });
  const isReady = (): Promise<boolean> => started ? readiness.isReady() : Promise.resolve(false);
  watchReadiness(metrics, isReady);
  watchPlatform(metrics, { db, clock });
  const server = await serveRpc({
    hostname: config.host,
    port,
    portSetting: fieldName(API_FIELDS.httpPort),
    log,
    clock,
    tls,
    admit: admitByPolicy(authenticate, { certificates: config.tlsClientCaFile !== undefined }),
    interceptors: [streams.interceptor],
    limits: {
      unaryMsMaxOf: CALL_MS_MAX,
      messageBytesMaxOf: publicMethods(),
      jsonBytesMaxOf: longMethods(),
      isShared: isProxy,
    },
    mount: (router) => services.mount(router),
    routes: [
      restRoutes({
        authenticate,
        deps: services,
        streams,
        clock,
        log,
        version: parts.version,
        stopping: process.signal,
      }),
      nudgeRoute(authenticate, hub),
      ...(objects.route === undefined ? [] : [objects.route]),
      dashboardRoute({ site, files: openDashboardFiles() }),
    ],
    ready: isReady,
    metrics,
  });
  port = server.port;
  runner.go("server", async (signal) => {
    try {
      await server.run(signal);
    } finally {
      await server.shutdown();
    }
  });
  if (tls !== undefined) runner.go("certificate files", (signal) => tls.follow(signal));
  runner.go("authority files", (signal) => trust.follow(signal));
  runner.go(
    "stream sweeper",
    (signal) => streams.sweep({ clock, log, meter: loop("stream sweeper") }, signal),
  );
  runner.go("events", (signal) => services.events.run(signal));
  runner.go("workspaces", (signal) => services.workspaces.run(signal));
  const { workflows, notifier } = parts;
  const base = { db, clock, log };
  const stored = { ...base, objects: objects.store };
  runner.go(
    "submit sweeper",
    (signal) => sweepSubmits({ ...base, workflows, meter: loop("submit sweeper") }, signal),
  );
  runner.go(
    "content sweeper",
    (signal) => sweepContent({ ...stored, meter: loop("content sweeper") }, signal),
  );
  runner.go("upload sweeper", (signal) => sweepUploads({ ...stored, meter: loop("upload sweeper") }, signal));
  const audit = { ...base, keptDays: config.auditKept, meter: loop("audit sweeper") };
  runner.go("audit sweeper", (signal) => sweepAuditLog(audit, signal));
  const output = { ...base, keptDays: config.outputKept, meter: loop("output sweeper") };
  runner.go("output sweeper", (signal) => sweepOutput(output, signal));
  runner.go("switch sweeper", (signal) => sweepSwitches({ ...base, meter: loop("switch sweeper") }, signal));
  const gradual = { ...base, workflows, meter: loop("gradual sweeper") };
  runner.go("gradual sweeper", (signal) => sweepGraduals(gradual, signal));
  runner.go("run sweeper", (signal) => sweepRuns({ ...base, notifier, meter: loop("run sweeper") }, signal));
  runner.go("region sweeper", (signal) => sweepRegions({ ...parts, meter: loop("region sweeper") }, signal));
  const { nudgeUrl, instanceId } = parts;
  if (nudgeUrl !== undefined) {
    const lease = { ...base, id: instanceId, nudgeUrl, meter: loop("lease") };
    runner.go("lease", (signal) => holdLease(lease, signal));
  }
  started = true;
  log.info("ctrl api serves", { port, instance_id: instanceId });
  process.onReady?.({ port });
}

interface Parts extends Omit<ServiceParts, "objects" | "uploaded"> {
  readonly objects: Objects;
  readonly nudgeUrl: string | undefined;
}

/** Opens everything that the services need; each part is closed by the runner, the database last. */
async function openParts(
  config: ApiConfig,
  process: ApiProcess,
  { db, runner, own, site, codeGuesses }: Pick<Parts, "db" | "site" | "codeGuesses"> & {
    readonly runner: Runner;
    readonly own: OwnPort;
  },
): Promise<Parts> {
  const { log, clock } = process;
  const hub = process.shared?.hub ?? startHub(db, process, runner);
  const nudgeUrl = config.advertiseUrl === undefined ? undefined : `${config.advertiseUrl}${NUDGE_PATH}`;
  const nudges = { db, clock, log, token: config.authToken, local: hub, fetch: own.fetch };
  const notifier = createNudger(nudgeUrl === undefined ? nudges : { ...nudges, ownUrl: nudgeUrl });
  runner.defer("nudges", () => notifier.close());
  const agents = new AgentHeartbeats({ db, clock, log });
  runner.defer("agent book", () => agents.close());
  const spans = new SpanSink({ db, clock, log });
  runner.defer("spans", () => spans.close());
  const objects = openObjects(config, clock, own);
  runner.defer("object store", () => objects.close());
  await objects.prepare(log);
  return {
    db,
    clock,
    log,
    hub,
    agents,
    notifier,
    spans,
    objects,
    nudgeUrl,
    workflows: process.workflows ?? openWorkflows(config, clock),
    vault: openVault(config, { db, clock }),
    instanceId: config.instanceId ?? `api_${newDnsName(12)}`,
    version: process.version ?? "dev",
    uploads: uploadLimits(config),
    contexts: contextLimits(config),
    outputBytesMax: config.outputSizeMax * 1_048_576,
    sizes: sizeLimits(config),
    operatorIdleSeconds: operatorIdleSeconds(config),
    apps: appLimits(config),
    edgeUrl: config.edgeUrl,
    defaultDomain: config.defaultDomain,
    regions: config.availableRegions,
    domains: openDomains(config),
    domainsMax: config.domainsMax,
    site,
    codeGuesses,
  };
}

async function openOwnDatabase(
  config: ApiConfig,
  { log, clock, metrics }: ApiProcess,
  runner: Runner,
): Promise<CtrlDatabase> {
  const db = await openConfiguredDatabase(config, { log, clock, metrics });
  runner.defer("database", () => db.close());
  return db;
}

function startHub(db: CtrlDatabase, { log, clock, metrics }: ApiProcess, runner: Runner): ChangeHub {
  const hub = new ChangeHub({ db, log, clock, metrics });
  runner.go("change hub", (signal) => hub.run(signal));
  return hub;
}

function openWorkflows(config: ApiConfig, clock: Clock): Workflows {
  const { restateUrl: ingressUrl, restateApiKey: apiKey } = config;
  const key = apiKey === undefined ? {} : { apiKey };
  return createRestateWorkflows({ ingressUrl, clock, timeoutMs: WORKFLOW_MS_MAX, ...key });
}

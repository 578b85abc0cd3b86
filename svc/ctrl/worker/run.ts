import { tmpdir } from "node:os";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { fieldName } from "../../../pkg/config/mod.ts";
import { StepActivity } from "../../../pkg/durable/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import { loopMeters, type Metrics, NO_METRICS } from "../../../pkg/metrics/mod.ts";
import { serveRpc } from "../../../pkg/rpc/mod.ts";
import { Runner } from "../../../pkg/runner/mod.ts";
import { newId } from "../../../pkg/uid/mod.ts";
import { openClientTls, openServerTls, warnOfPlain } from "../../../pkg/tls/mod.ts";
import type { Vault } from "../../../pkg/vault/mod.ts";
import { type ChangeHub, type ChangeNotifier, createNudger } from "../internal/changes/mod.ts";
import { operatorIdleSeconds } from "../internal/deployments/idle_end_config.ts";
import { openDomains } from "../internal/domains/mod.ts";
import { followDatabase } from "../internal/follow_database.ts";
import { Readiness } from "../internal/readiness.ts";
import { watchReadiness } from "../internal/ready_metrics.ts";
import type { SentinelMaker } from "../internal/sentinels/mod.ts";
import { SpanSink } from "../internal/traces/mod.ts";
import { openConfiguredDatabase } from "../internal/database_config.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import { openVault } from "../internal/vault/mod.ts";
import type { Builder, BuildRequest } from "../../../pkg/build/mod.ts";
import { openCertificates } from "./certificates.ts";
import { credentialsOf } from "./builder/base_image_credentials.ts";
import { cacheLimits } from "./config/build.ts";
import { openBuilder } from "./builder/builder.ts";
import { openBuilderNetwork } from "./builder/network.ts";
import { requestCompactions } from "./tasks/compaction.ts";
import { WORKER_FIELDS, type WorkerConfig } from "./config/config.ts";
import { tracesUrl } from "./config/otel.ts";
import { serveEndpoint } from "./restate/endpoint.ts";
import { openObjects } from "./objects.ts";
import { callEachMinute } from "./tasks/periodic_call.ts";
import { keepHeartbeat } from "./tasks/heartbeat.ts";
import { runCrons } from "./tasks/crons.ts";
import { endUnusedPreviews } from "./tasks/preview_ends.ts";
import { Autoscaler } from "./tasks/autoscaler.ts";
import { Sleeper } from "./tasks/sleeper.ts";
import { keepTrafficSums } from "./tasks/traffic_sums.ts";
import { giveUpUnusedCertificates } from "./tasks/unused_certificates.ts";
import { ensurePlatformCertificates, platformNames } from "./tasks/platform_certificates.ts";
import { CERTIFICATE_SERVICE, DOMAIN_SERVICE } from "../internal/workflows/names.ts";
import { createRestateWorkflows } from "../internal/workflows/restate.ts";
import { retainCache } from "./tasks/cache_retention.ts";
import { retainImages } from "./tasks/image_retention.ts";
import type { ImagePresence } from "./builder/image_presence.ts";
import { imageRules } from "./builder/image_rules.ts";
import { handOver } from "./restate/hand_over.ts";
import { registerWorker, type Registration } from "./restate/register.ts";
import { RestateClock } from "./restate/restate_clock.ts";
import { sentinelShapes } from "./config/sentinels.ts";
import { sweepSentinels } from "./tasks/sentinel_sweep.ts";
import { workerServices } from "./bind.ts";
import { takeOverForever } from "./restate/take_over.ts";
import { openTraceExport } from "./traces.ts";

export interface WorkerProcess {
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborts when the process is to stop. */
  readonly signal: AbortSignal;
  /** Called once, when Restate has taken the registration. */
  readonly onReady?: (info: { readonly port: number; readonly healthPort: number }) => void;
  /** A database and a hub that other parts of the same process use too; the process runs and closes them. */
  readonly shared?: { readonly db: CtrlDatabase; readonly hub: ChangeHub };
  /** Credentials for base images of a user who is the only one here, after those of the workspace. */
  readonly dockerCredentials?: BuildRequest["credentials"];
  /** Instead of the configured one, for tests. */
  readonly builder?: Builder;
  /** The same, for the place of that builder's images. */
  readonly presence?: ImagePresence;
  /** Instead of its own, for tests that look at steps. */
  readonly activity?: StepActivity;
  readonly metrics?: Metrics;
}

const RENEWALS = {
  service: CERTIFICATE_SERVICE,
  handler: "RenewExpiringCertificates",
  name: "cert-renewal",
};
const DOMAIN_CHECKS = { service: DOMAIN_SERVICE, handler: "VerifyDueDomains", name: "domain-checks" };
const INGRESS_MS_MAX = 10_000;
const MEBIBYTE = 1024 * 1024;

/**
 * Runs the durable services until `signal` aborts. Ready only when Restate knows them.
 *
 * @throws `failed_precondition` when a port is taken, `unavailable` when the database cannot be reached
 */
export async function runWorker(config: WorkerConfig, process: WorkerProcess): Promise<void> {
  const runner = new Runner({ log: process.log, clock: process.clock });
  try {
    await start(config, process, runner);
  } catch (error) {
    await runner.shutdown().catch((late: unknown) =>
      process.log.error("shutdown failed", { error: String(late) })
    );
    // Stopped while it started: that is no failure.
    if (process.signal.aborted) return;
    throw error;
  }
  await runner.wait(process.signal);
}

async function start(config: WorkerConfig, given: WorkerProcess, runner: Runner): Promise<void> {
  const db = given.shared?.db ?? await openOwnDatabase(config, given, runner);
  const process = { ...given, clock: await followDatabase(db, given, runner) };
  const { log, clock, signal, metrics = NO_METRICS } = process;
  const loop = loopMeters(metrics, clock);
  warnOfPlain(log, plainUrls(config));
  const tls = await openServerTls(config, { clock, log });
  const trust = await openClientTls(config, { clock, log });
  runner.defer("trust", () => trust.close());
  if (tls !== undefined) runner.go("certificate files", (signal) => tls.follow(signal));
  runner.go("authority files", (signal) => trust.follow(signal));
  const changes = openNotifier(config, process, { db, runner, request: trust.fetch });
  const objects = openObjects(config, clock, trust.fetch);
  runner.defer("object store", () => objects.close());
  const opened = await openBuilder(config, { db: db.kysely, clock, log });
  const { registryName, localImages, endpoint: buildkit, bytesFree } = opened;
  runner.defer("builder", () => opened.close());
  const builder = process.builder ??
    await openBuilderNetwork(config, { ...opened, clock, log, runner, signal });

  let registered = false;
  const readiness = new Readiness({ db, clock, log, part: "worker" });
  const isReady = async (): Promise<boolean> => registered && await readiness.isReady();
  watchReadiness(metrics, isReady);
  const health = await serveRpc({
    hostname: config.host,
    port: config.httpPort,
    portSetting: fieldName(WORKER_FIELDS.httpPort),
    log,
    clock,
    metrics,
    mount: () => undefined,
    ready: isReady,
  });
  runner.defer("health", () => health.shutdown());
  runner.go("health port", (signal) => health.run(signal));

  const vault = vaultOf(config, db, clock);
  const sentinels = sentinelMaker(config, vault);
  const certificates = await openCertificates(config, { db, clock, log, changes, vault });
  const exportParts = { db, clock, log, metrics, meter: loop("trace export"), fetch: trust.fetch };
  const traceExport = await openTraceExport(config, exportParts);
  if (traceExport !== undefined) {
    // Before the spans in the order of the text: closed behind them, it sends the last ones too.
    runner.defer("trace export", () => traceExport.drain());
    runner.go("trace export", (stop) => traceExport.run(stop));
  }
  const spans = new SpanSink({ db, clock, log });
  runner.defer("spans", () => spans.close());
  const activity = process.activity ?? new StepActivity();
  const { restateApiKey } = config;
  const key = restateApiKey === undefined ? {} : { apiKey: restateApiKey };
  const admin = { adminUrl: config.restateAdminUrl, ...key };
  const restateClock = new RestateClock(admin, given.clock, log);
  await restateClock.measure(signal);
  runner.go("restate clock", (stop) => restateClock.follow(stop));
  const parts = {
    db,
    clock,
    log,
    activity,
    metrics,
    restateAheadMs: () => restateClock.aheadMs,
    changes,
    spans,
    objects: objects.store,
    builder,
    registryName,
    presence: process.presence ?? opened.presence,
    imageConfig: opened.imageConfig,
    vault,
    platform: config.buildPlatform,
    credentialsOf: credentialsOf({ db, vault, ownCredentials: process.dockerCredentials }),
    contexts: {
      temporaryDirectory: tmpdir(),
      bytesMax: config.buildContextMib * MEBIBYTE,
      entriesMax: config.buildContextFiles,
    },
    images: imageRules(config, { registryName, log }),
    sentinels,
    certificates,
    domains: openDomains(config),
  };
  if (config.restateIdentityKeys.length === 0) {
    log.warn("requests to workflows are not verified: every client that reaches the port is trusted", {
      setting: fieldName(WORKER_FIELDS.restateIdentityKeys),
    });
  }
  let registration: Registration | undefined;
  // After the endpoint has taken its last attempt, so that none of them finds neither worker.
  runner.defer("hand-over", () => registration === undefined ? undefined : handOver(registration));
  const endpoint = await serveEndpoint({
    services: workerServices(config, parts),
    hostname: config.host,
    port: config.restateHttpPort,
    portSetting: fieldName(WORKER_FIELDS.restateHttpPort),
    tls,
    identityKeys: config.restateIdentityKeys,
    identitySetting: fieldName(WORKER_FIELDS.restateIdentityKeys),
    restateNow: () => restateClock.now(),
    activity,
    clock,
    log,
  });
  runner.defer("endpoint", () => endpoint.shutdown());
  runner.go("endpoint port", (signal) => endpoint.run(signal));

  const scheme = tls === undefined ? "http" : "https";
  const uri = config.restateRegisterAs ?? `${scheme}://127.0.0.1:${endpoint.port}`;
  const own = { ...admin, uri, fetch: trust.fetch, clock, log, meter: loop("take-over") };
  await registerWorker(own, signal);
  [registration, registered] = [own, true];
  runner.defer("readiness", () => void (registered = false));
  const ingress = { ingressUrl: config.restateUrl, ...key, clock, timeoutMs: INGRESS_MS_MAX };
  runner.go("take-over", (stop) => takeOverForever(own, stop));
  runner.go(
    "compaction",
    (stop) => requestCompactions({ db, clock, log, ingress, meter: loop("compaction") }, stop),
  );
  if (certificates !== undefined) {
    const workflows = createRestateWorkflows(ingress);
    const { defaultDomain, regionalDomain, availableRegions: regions, platformHosts: hosts } = config;
    const domains = { defaultDomain, regionalDomain, regions, hosts };
    const names = platformNames(domains, certificates.records !== undefined);
    runner.go(
      "renewals",
      (stop) => callEachMinute({ clock, log, ingress, meter: loop("renewals") }, RENEWALS, stop),
    );
    const unused = {
      db,
      clock,
      log,
      changes,
      workflows,
      platformNames: names,
      meter: loop("unused certificates"),
    };
    runner.go("unused certificates", (stop) => giveUpUnusedCertificates(unused, stop));
    runner.go(
      "platform certificates",
      (stop) => ensurePlatformCertificates({ db, clock, log, workflows }, names, stop),
    );
  }
  if (parts.domains !== undefined) {
    runner.go(
      "domain checks",
      (stop) => callEachMinute({ clock, log, ingress, meter: loop("domain checks") }, DOMAIN_CHECKS, stop),
    );
  }
  const operatorSeconds = operatorIdleSeconds(config);
  const previews = { db, clock, log, ingress, operatorSeconds, meter: loop("preview ends") };
  runner.go("preview ends", (stop) => endUnusedPreviews(previews, stop));
  const autoscaler = new Autoscaler({ db, clock, log, changes, metrics, meter: loop("autoscaler") });
  runner.go("autoscaler", (stop) => autoscaler.run(stop));
  const heartbeat = { db, clock, log, id: newId("worker", clock.now()), meter: loop("heartbeat") };
  runner.go("heartbeat", (stop) => keepHeartbeat(heartbeat, stop));
  const crons = { db, clock, log, changes, meter: loop("crons") };
  runner.go("crons", (stop) => runCrons(crons, stop));
  const sleeper = new Sleeper({ db, clock, log, changes, metrics, meter: loop("sleeper") });
  runner.go("sleeper", (stop) => sleeper.run(stop));
  const sums = { db, clock, log, meter: loop("traffic sums") };
  runner.go("traffic sums", (stop) => keepTrafficSums(sums, stop));
  const sweep = { db, clock, log, changes, sentinels, meter: loop("sentinel sweep") };
  runner.go("sentinel sweep", (stop) => sweepSentinels(sweep, stop));
  if (buildkit !== undefined && config.buildCacheMib > 0) {
    const limits = { ...cacheLimits(config), ...(bytesFree === undefined ? {} : { bytesFree }) };
    runner.go(
      "cache retention",
      (stop) => retainCache({ endpoint: buildkit, limits, clock, log, meter: loop("cache retention") }, stop),
    );
  }
  if (localImages !== undefined) {
    const retention = {
      db,
      clock,
      log,
      images: localImages,
      kept: config.imagesKept,
      meter: loop("image retention"),
    };
    runner.go("image retention", (stop) => retainImages(retention, stop));
  }
  process.onReady?.({ port: endpoint.port, healthPort: health.port });
}

/** Where credentials or build contexts are sent, by setting. */
function plainUrls(config: WorkerConfig): Readonly<Record<string, string | undefined>> {
  return {
    [fieldName(WORKER_FIELDS.restateAdminUrl)]: config.restateAdminUrl,
    [fieldName(WORKER_FIELDS.restateUrl)]: config.restateUrl,
    [fieldName(WORKER_FIELDS.restateRegisterAs)]: config.restateRegisterAs,
    [fieldName(WORKER_FIELDS.buildFilesUrl)]: config.buildFilesUrl,
    [fieldName(WORKER_FIELDS.buildS3Url)]: config.buildS3Url,
    [fieldName(WORKER_FIELDS.otlpEndpoint)]: config.otlpHeaders === undefined ? undefined : tracesUrl(config),
  };
}

/** `undefined` when the settings want no sentinels. */
function sentinelMaker(config: WorkerConfig, vault: Vault | undefined): SentinelMaker | undefined {
  const shapes = sentinelShapes(config);
  return shapes === undefined || vault === undefined ? undefined : { vault, shapes };
}

/** `undefined` when the settings have no master keys. */
function vaultOf(config: WorkerConfig, db: CtrlDatabase, clock: Clock): Vault | undefined {
  const { vaultMasterKeys } = config;
  return vaultMasterKeys && openVault({ ...config, vaultMasterKeys }, { db, clock });
}

async function openOwnDatabase(
  config: WorkerConfig,
  { log, clock, metrics }: WorkerProcess,
  runner: Runner,
): Promise<CtrlDatabase> {
  const db = await openConfiguredDatabase(config, { log, clock, metrics });
  runner.defer("database", () => db.close());
  return db;
}

/** Notifies the hub of this process directly, and api processes elsewhere by a request. */
function openNotifier(
  config: WorkerConfig,
  { log, clock, shared }: WorkerProcess,
  { db, runner, request }: {
    readonly db: CtrlDatabase;
    readonly runner: Runner;
    readonly request: typeof fetch;
  },
): ChangeNotifier {
  if (config.authToken === undefined) {
    if (shared === undefined) log.warn("no service token: api processes notice changes at their next poll");
    return shared?.hub ?? { changed: () => undefined };
  }
  const local = shared === undefined ? {} : { local: shared.hub };
  const nudger = createNudger({ db, clock, log, token: config.authToken, fetch: request, ...local });
  runner.defer("nudges", () => nudger.close());
  return nudger;
}

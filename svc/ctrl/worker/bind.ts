import type { Clock } from "../../../pkg/clock/mod.ts";
import { DurableMetrics, type StepActivity } from "../../../pkg/durable/mod.ts";
import type { ConfigReader } from "../../../pkg/registry/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { Metrics } from "../../../pkg/metrics/mod.ts";
import type { ChangeNotifier } from "../internal/changes/mod.ts";
import { AGENT_HEARTBEAT_TIMEOUT_MS } from "../internal/agents/mod.ts";
import type { DomainDns } from "../internal/domains/mod.ts";
import type { SentinelMaker } from "../internal/sentinels/mod.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import type { SpanTaker } from "../internal/traces/mod.ts";
import { buildService } from "./image_build/mod.ts";
import { type BuildDeps, createBuildSteps } from "./image_build/steps.ts";
import type { WorkerConfig } from "./config/config.ts";
import { countAttempts, countBuilds, countDeploys } from "./metrics.ts";
import type { CertificateDeps } from "./certificate/deps.ts";
import { certificateService } from "./certificate/mod.ts";
import { createCertificateSteps } from "./certificate/steps.ts";
import { deployService } from "./deploy/mod.ts";
import type { DomainDeps } from "./domain/deps.ts";
import { domainService } from "./domain/mod.ts";
import { createDomainSteps } from "./domain/steps.ts";
import type { ImagePresence } from "./builder/image_presence.ts";
import type { ImageRules } from "./builder/image_rules.ts";
import { createDeploySteps } from "./deploy/steps.ts";
import { gradualService } from "./gradual/mod.ts";
import { createGradualSteps } from "./gradual/steps.ts";
import type { EndpointDeps } from "./restate/endpoint.ts";
import { buildSlotService } from "./slots/mod.ts";
import { createSlotSteps } from "./slots/steps.ts";
import type { SlotLimits } from "./slots/types.ts";
import { openApiService } from "./openapi/mod.ts";
import { createOpenApiSteps } from "./openapi/steps.ts";
import { routingService } from "./routing/mod.ts";
import { createRoutingSteps } from "./routing/steps.ts";
import { startService } from "./start/mod.ts";
import { createStartSteps } from "./start/steps.ts";
import { createVersioningSteps } from "./versioning/steps.ts";
import { versioningService } from "./versioning/mod.ts";

export interface ServicesDeps extends BuildDeps {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly activity: StepActivity;
  readonly metrics: Metrics;
  /** The time by which Restate's clock is ahead of this machine's. */
  readonly restateAheadMs: () => number;
  readonly changes: ChangeNotifier;
  readonly spans: SpanTaker;
  readonly images: ImageRules;
  readonly presence: ImagePresence;
  readonly imageConfig: ConfigReader;
  /** `undefined`: environments get none. */
  readonly sentinels?: SentinelMaker | undefined;
  /** `undefined`: there is no authority. */
  readonly certificates?: CertificateDeps | undefined;
  /** `undefined`: there are no custom domains. */
  readonly domains?: DomainDns | undefined;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** The safety net under the messages that wake a waiting deploy. */
const RECHECK_MS = 5_000;
const RESTARTS_MAX = 3;
const BUILD_SLACK_MS = 10 * MINUTE_MS;
const SLOT_OFFER_MS = 60_000;
const SLOT_RECHECK_MS = 30_000;
const WAITING_BUILDS_MAX = 1_000;
const FEED_KEEP_MS = 60 * MINUTE_MS;
const FEED_KEEP_VERSIONS = 10_000;

/** All durable services, wired. */
export function workerServices(config: WorkerConfig, deps: ServicesDeps): EndpointDeps["services"] {
  const {
    db,
    clock,
    log,
    activity,
    restateAheadMs,
    changes,
    spans,
    sentinels,
    images,
    presence,
    imageConfig,
    vault,
    platform,
    metrics,
  } = deps;
  const restate = { clock, log, activity, restateAheadMs, metrics: new DurableMetrics(metrics) };
  const placement = {
    regions: config.availableRegions,
    replicas: config.replicas,
    agentTimeoutMs: AGENT_HEARTBEAT_TIMEOUT_MS,
  };
  const limits = {
    readyMs: config.readySeconds * SECOND_MS,
    listenMs: config.listenSeconds * SECOND_MS,
    agentMs: AGENT_HEARTBEAT_TIMEOUT_MS,
    restartsMax: RESTARTS_MAX,
  };
  return [
    deployService({
      restate,
      ended: countDeploys(metrics),
      steps: createDeploySteps({
        db,
        clock,
        changes,
        spans,
        sentinels,
        images,
        imageConfig,
        apex: config.defaultDomain,
        reuse: { log, presence, vault, platform, ageMsMax: config.imageReuseHours * HOUR_MS },
        ...placement,
      }),
      limits,
      recheckMs: RECHECK_MS,
      queueMs: config.queueMinutes * MINUTE_MS,
    }),
    startService({
      restate,
      steps: createStartSteps({ db, clock, changes, sentinels, edgeUrl: config.edgeUrl, ...placement }),
      limits,
      recheckMs: RECHECK_MS,
    }),
    buildSlotService({ restate, steps: createSlotSteps({ db, clock, limits: slotLimits(config) }) }),
    buildService({
      restate,
      steps: countBuilds(createBuildSteps(deps), metrics),
      limitMs: config.buildMinutes * MINUTE_MS,
    }),
    routingService({
      restate,
      steps: createRoutingSteps({
        db,
        clock,
        changes,
        apex: config.defaultDomain,
        edgeUrl: config.edgeUrl,
        edgeTimeoutMs: AGENT_HEARTBEAT_TIMEOUT_MS,
        graceMs: config.stopGraceSeconds * SECOND_MS,
      }),
      retention: {
        warmCount: config.warmCount,
        warmMs: config.warmMinutes * MINUTE_MS,
        graceMs: config.stopGraceSeconds * SECOND_MS,
        edgesMs: config.stopEdgesSeconds * SECOND_MS,
      },
    }),
    gradualService({
      restate,
      steps: createGradualSteps({ db, clock, changes, edgeTimeoutMs: AGENT_HEARTBEAT_TIMEOUT_MS }),
    }),
    openApiService({
      restate,
      steps: createOpenApiSteps({ db, clock, edgeUrl: config.openapiEdgeUrl ?? config.edgeUrl }),
    }),
    versioningService({
      restate,
      steps: createVersioningSteps({ db, clock, keepMs: FEED_KEEP_MS, keepVersions: FEED_KEEP_VERSIONS }),
    }),
    ...(deps.certificates === undefined ? [] : [certificateService({
      restate,
      steps: countAttempts(createCertificateSteps(deps.certificates), metrics),
    })]),
    ...(deps.domains === undefined
      ? []
      : [domainService({ restate, steps: createDomainSteps(domainDeps(config, deps, deps.domains)) })]),
  ];
}

function domainDeps(config: WorkerConfig, deps: ServicesDeps, domains: DomainDns): DomainDeps {
  const { db, clock, log, changes, certificates } = deps;
  return {
    ...domains,
    db,
    clock,
    log,
    changes,
    limits: { verifyMs: config.domainVerifyDays * DAY_MS, lostMs: config.domainLostDays * DAY_MS },
    certificatesMax: certificates === undefined ? undefined : config.domainCertificatesMax,
  };
}

function slotLimits(config: WorkerConfig): SlotLimits {
  return {
    buildsMax: config.buildsMax,
    ageingMs: config.queueAgeingSeconds * SECOND_MS,
    // No build lasts longer than its own limit, which begins a little later than the lease.
    leaseMs: config.buildMinutes * MINUTE_MS + BUILD_SLACK_MS,
    offerMs: SLOT_OFFER_MS,
    recheckMs: SLOT_RECHECK_MS,
    waitingMax: WAITING_BUILDS_MAX,
  };
}

/** Builds the RPC use cases from the open parts of the process, and mounts their handlers. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Clock } from "../../../pkg/clock/mod.ts";
import type { Logger } from "../../../pkg/logger/mod.ts";
import type { ObjectStore } from "../../../pkg/objectstore/mod.ts";
import type { Vault } from "../../../pkg/vault/mod.ts";
import { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { CronService } from "../../../proto/gen/ctrl/v1/cron_pb.ts";
import { CtrlService } from "../../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { CustomDomainService } from "../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EnvironmentService } from "../../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { OpenApiService } from "../../../proto/gen/ctrl/v1/openapi_pb.ts";
import { SessionService } from "../../../proto/gen/ctrl/v1/session_pb.ts";
import { UploadService } from "../../../proto/gen/ctrl/v1/upload_pb.ts";
import { VaultService } from "../../../proto/gen/vault/v1/vault_pb.ts";
import type { DashboardSite } from "../internal/auth/site.ts";
import type { AgentHeartbeats } from "../internal/agents/mod.ts";
import type { ChangeHub, ChangeNotifier } from "../internal/changes/mod.ts";
import type { DomainDns } from "../internal/domains/mod.ts";
import type { SizeLimits } from "../internal/deployments/size.ts";
import type { AppLimits } from "../internal/validate/app.ts";
import { StreamShares } from "../internal/limits/mod.ts";
import { LogHub } from "../internal/logs/mod.ts";
import type { CtrlDatabase } from "../internal/store/mod.ts";
import type { SpanTaker } from "../internal/traces/mod.ts";
import type { Workflows } from "../internal/workflows/mod.ts";
import { acmeHandlers } from "../services/acme/handler.ts";
import { adminHandlers } from "../services/admin/handler.ts";
import { createDeploymentFeed } from "../services/cluster/deployment_feed.ts";
import { clusterHandlers } from "../services/cluster/handler.ts";
import { createSentinelFeed } from "../services/cluster/sentinel_feed.ts";
import { ctrlHandlers } from "../services/ctrl/handler.ts";
import type { DeploymentDeps } from "../services/deployment/deps.ts";
import { domainHandlers } from "../services/domain/handler.ts";
import { EventHub } from "../services/deployment/event_hub.ts";
import { WorkspaceHub } from "../services/deployment/workspace_hub.ts";
import { deploymentHandlers } from "../services/deployment/handler.ts";
import { cronHandlers } from "../services/deployment/cron_handler.ts";
import { openApiHandlers } from "../services/deployment/openapi_handler.ts";
import { createDeploymentReader } from "../services/deployment/reader.ts";
import { environmentHandlers } from "../services/environment/handler.ts";
import { frontlineHandlers } from "../services/frontline/handler.ts";
import { createRouteFeed } from "../services/frontline/route_feed.ts";
import type { CodeGuesses } from "../services/session/deps.ts";
import { sessionHandlers } from "../services/session/handler.ts";
import type { ContextLimits } from "../services/upload/deps.ts";
import { uploadHandlers } from "../services/upload/handler.ts";
import { vaultHandlers } from "../services/vault/handler.ts";
import { policyOf } from "./policies.ts";
import type { RestDeps } from "./rest/mod.ts";

export interface ServiceParts {
  readonly db: CtrlDatabase;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hub: ChangeHub;
  readonly agents: AgentHeartbeats;
  readonly notifier: ChangeNotifier;
  readonly workflows: Workflows;
  readonly spans: SpanTaker;
  readonly vault: Vault;
  readonly objects: ObjectStore;
  /** See `UploadDeps`. */
  readonly uploaded: (bytes: number) => void;
  readonly instanceId: string;
  readonly version: string;
  readonly uploads: DeploymentDeps["uploads"];
  readonly contexts: ContextLimits;
  /** Bytes of output that are kept of each deployment. */
  readonly outputBytesMax: number;
  readonly sizes: SizeLimits;
  /** See `SetIdleEndDeps`. */
  readonly operatorIdleSeconds: number;
  readonly apps: AppLimits;
  readonly edgeUrl: string;
  readonly defaultDomain: string;
  readonly regions: readonly string[];
  /** `undefined`: there are no custom domains. */
  readonly domains: DomainDns | undefined;
  /** Of a workspace. */
  readonly domainsMax: number;
  readonly site: DashboardSite;
  readonly codeGuesses: CodeGuesses;
}

/** The RPC services, and the dependencies that REST and the process share with them. */
export interface Services extends RestDeps {
  /** Must run for event streams to move. */
  readonly events: EventHub;
  /** The same for streams of workspaces. */
  readonly workspaces: WorkspaceHub;
  mount(router: ConnectRouter): void;
}

/** Everything that is served. */
export const SERVED = [
  CtrlService,
  DeploymentService,
  CronService,
  OpenApiService,
  UploadService,
  ClusterService,
  FrontlineService,
  AdminService,
  EnvironmentService,
  AcmeService,
  VaultService,
  CustomDomainService,
  SessionService,
] as const;

/** A start has an hour at most, by the worker's settings, and is waited for a little longer. */
const START_MS_MAX = 72 * 60_000;

/** Calls that may have to start a deployment before they can answer. */
export const CALL_MS_MAX: ReadonlyMap<DescMethod, number> = new Map([
  DeploymentService.method.rollback,
  DeploymentService.method.promote,
  DeploymentService.method.cancelDeployment,
  DeploymentService.method.startDeployment,
].map((method) => [method, START_MS_MAX]));

/** @throws `internal` when a method has no policy */
export function buildServices(parts: ServiceParts): Services {
  for (const service of SERVED) for (const method of service.methods) policyOf(service, method);
  const { db, clock, log, hub, agents, notifier, workflows, vault, spans } = parts;
  const events = new EventHub({ db, clock, log });
  const workspaces = new WorkspaceHub({ db, clock, log });
  const logs = new LogHub({ db, clock });
  const reader = createDeploymentReader({ db: db.kysely, clock });
  const { objects, uploads, sizes, apps, edgeUrl, regions, operatorIdleSeconds } = parts;
  const streams = new StreamShares(db.kysely);
  const deployment = {
    db,
    clock,
    log,
    objects,
    vault,
    workflows,
    notifier,
    events,
    workspaces,
    logs,
    spans,
    reader,
    uploads,
    streams,
    sizes,
    apps,
    edgeUrl,
  };
  const { domains, domainsMax } = parts;
  const domain = { db, clock, log, notifier, workflows, domains, domainsMax };
  const admin = { db, clock, vault, regions, sizes, operatorIdleSeconds, streams, uploads };
  const environment = { ...domain, sizes, apps, operatorIdleSeconds, vault, edgeUrl };
  const deployments = createDeploymentFeed(vault);
  const sentinels = createSentinelFeed(vault);
  const routes = createRouteFeed(vault);
  return {
    deployment,
    domain,
    admin,
    environment,
    events,
    workspaces,
    mount(router) {
      router.service(CtrlService, ctrlHandlers(parts));
      router.service(DeploymentService, deploymentHandlers(deployment));
      router.service(CronService, cronHandlers(deployment));
      router.service(OpenApiService, openApiHandlers(deployment));
      router.service(
        UploadService,
        uploadHandlers({ db, clock, log, objects, limits: parts.contexts, uploaded: parts.uploaded }),
      );
      router.service(
        ClusterService,
        clusterHandlers({
          db,
          clock,
          log,
          hub,
          agents,
          notifier,
          logs,
          spans,
          outputBytesMax: parts.outputBytesMax,
          workflows,
          deployments,
          sentinels,
        }),
      );
      router.service(
        FrontlineService,
        frontlineHandlers({
          hub,
          agents,
          db,
          clock,
          logs,
          notifier,
          outputBytesMax: parts.outputBytesMax,
          feed: routes,
        }),
      );
      router.service(AcmeService, acmeHandlers({ db, clock, workflows, defaultDomain: parts.defaultDomain }));
      router.service(AdminService, adminHandlers(admin));
      router.service(VaultService, vaultHandlers({ vault }));
      router.service(CustomDomainService, domainHandlers(domain));
      router.service(
        SessionService,
        sessionHandlers({ db, clock, site: parts.site, guesses: parts.codeGuesses }),
      );
      router.service(EnvironmentService, environmentHandlers(environment));
    },
  };
}

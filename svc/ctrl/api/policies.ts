/** The access policy of each method. A method that is missing here does not compile; a missing service does not start. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { Admission } from "../../../pkg/rpc/mod.ts";
import { addCallFields, hasClientCertificate } from "../../../pkg/rpc/mod.ts";
import { Fault } from "../../../pkg/fault/mod.ts";
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
import {
  mayInSomeProject,
  mayInWorkspace,
  permissionDenied,
  type ProjectAction,
  type WorkspaceAction,
} from "../internal/auth/permissions.ts";
import { type Principal, setPrincipal } from "../internal/auth/principal.ts";
import type { Authenticator } from "./authenticate.ts";

/** The credentials that may call a method. The use case checks the project, since only it knows which one is meant. */
export type Policy =
  | { readonly kind: "public" }
  | { readonly kind: "root_key"; readonly permission?: ProjectAction; readonly service?: true }
  | { readonly kind: "workspace"; readonly permission: WorkspaceAction; readonly service?: true }
  | { readonly kind: "region" }
  | { readonly kind: "edge"; readonly sentinel?: true }
  | { readonly kind: "service" };

type MethodsOf<S extends DescService> = { readonly [K in keyof S["method"]]: Policy };

const CTRL: MethodsOf<typeof CtrlService> = { liveness: { kind: "public" } };

const DEPLOYMENT: MethodsOf<typeof DeploymentService> = {
  createS3UploadURL: { kind: "root_key", permission: "generate_upload_url" },
  createDeployment: { kind: "root_key", permission: "create_deployment" },
  getDeployment: { kind: "root_key", permission: "read_deployment" },
  listDeployments: { kind: "root_key", permission: "read_deployment" },
  cancelDeployment: { kind: "root_key", permission: "cancel_deployment" },
  watchDeploymentEvents: { kind: "root_key", permission: "read_deployment" },
  listInstances: { kind: "root_key", permission: "read_deployment" },
  listInstanceEvents: { kind: "root_key", permission: "read_deployment" },
  streamInstanceLogs: { kind: "root_key", permission: "read_logs" },
  searchLogs: { kind: "root_key", permission: "read_logs" },
  rollback: { kind: "root_key", permission: "rollback_deployment" },
  promote: { kind: "root_key", permission: "promote_deployment" },
  planRollback: { kind: "root_key", permission: "rollback_deployment" },
  planPromote: { kind: "root_key", permission: "promote_deployment" },
  endBranch: { kind: "root_key", permission: "stop_deployment" },
  stopDeployment: { kind: "root_key", permission: "stop_deployment" },
  startDeployment: { kind: "root_key", permission: "start_deployment" },
  getDeploymentTrace: { kind: "root_key", permission: "read_deployment" },
  listSwitches: { kind: "root_key", permission: "read_deployment" },
  beginGradualSwitch: { kind: "root_key", permission: "promote_deployment" },
  getGradualSwitch: { kind: "root_key", permission: "read_deployment" },
  advanceGradualSwitch: { kind: "root_key", permission: "promote_deployment" },
  abortGradualSwitch: { kind: "root_key", permission: "promote_deployment" },
  listGradualSwitches: { kind: "root_key", permission: "read_deployment" },
  getTraffic: { kind: "root_key", permission: "read_deployment" },
  watchWorkspace: { kind: "root_key", permission: "read_deployment" },
  createRun: { kind: "root_key", permission: "run_command" },
  getRun: { kind: "root_key", permission: "read_deployment" },
  listRuns: { kind: "root_key", permission: "read_deployment" },
  cancelRun: { kind: "root_key", permission: "run_command" },
};

const CRON: MethodsOf<typeof CronService> = {
  listCrons: { kind: "root_key", permission: "read_deployment" },
  pauseCron: { kind: "root_key", permission: "run_command" },
  resumeCron: { kind: "root_key", permission: "run_command" },
};

const OPENAPI: MethodsOf<typeof OpenApiService> = {
  getOpenApiDiff: { kind: "root_key", permission: "read_deployment" },
};

const UPLOAD: MethodsOf<typeof UploadService> = {
  prepareContext: { kind: "root_key", permission: "generate_upload_url" },
  findMissingChunks: { kind: "root_key", permission: "generate_upload_url" },
  createPacks: { kind: "root_key", permission: "generate_upload_url" },
  commitPacks: { kind: "root_key", permission: "generate_upload_url" },
  commitContext: { kind: "root_key", permission: "generate_upload_url" },
};

const CLUSTER: MethodsOf<typeof ClusterService> = {
  watchDeployments: { kind: "region" },
  watchSentinels: { kind: "region" },
  getDesiredSentinelState: { kind: "region" },
  getDesiredDeploymentState: { kind: "region" },
  reportSentinelStatus: { kind: "region" },
  reportDeploymentStatus: { kind: "region" },
  acknowledge: { kind: "region" },
  reportInstanceLogs: { kind: "region" },
  reportUsage: { kind: "region" },
};

const FRONTLINE: MethodsOf<typeof FrontlineService> = {
  watchRoutes: { kind: "edge", sentinel: true },
  acknowledgeRoutes: { kind: "edge" },
  reportRefusals: { kind: "edge" },
  reportTraffic: { kind: "edge" },
  checkPassword: { kind: "edge" },
  reportLoad: { kind: "edge" },
  wakeDeployment: { kind: "edge", sentinel: true },
};

const ADMIN: MethodsOf<typeof AdminService> = {
  createWorkspace: { kind: "service" },
  createProject: { kind: "root_key", permission: "create_project", service: true },
  listProjects: { kind: "root_key", permission: "read_project" },
  listEnvironments: { kind: "root_key", permission: "read_environment" },
  setEnvironmentVariables: { kind: "root_key", permission: "write_environment_variables" },
  listEnvironmentVariables: { kind: "root_key", permission: "read_environment" },
  removeEnvironmentVariable: { kind: "root_key", permission: "write_environment_variables" },
  createRootKey: { kind: "workspace", permission: "manage_keys", service: true },
  listRootKeys: { kind: "workspace", permission: "manage_keys", service: true },
  revokeRootKey: { kind: "workspace", permission: "manage_keys", service: true },
  addRegistry: { kind: "workspace", permission: "manage_registries", service: true },
  listRegistries: { kind: "workspace", permission: "manage_registries", service: true },
  removeRegistry: { kind: "workspace", permission: "manage_registries", service: true },
  createRegionToken: { kind: "service" },
  listRegionTokens: { kind: "service" },
  revokeRegionToken: { kind: "service" },
  createLoginCode: { kind: "workspace", permission: "manage_keys", service: true },
  exchangeLoginCode: { kind: "public" },
  listWorkspaces: { kind: "service" },
  listLimits: { kind: "workspace", permission: "read_status", service: true },
  setLimit: { kind: "service" },
  whoAmI: { kind: "root_key" },
  getStatus: { kind: "workspace", permission: "read_status" },
  listAuditLog: { kind: "workspace", permission: "read_audit_log", service: true },
};

const SESSION: MethodsOf<typeof SessionService> = {
  createLoginLink: { kind: "root_key" },
  startSession: { kind: "public" },
  endSession: { kind: "root_key" },
  listSessions: { kind: "root_key" },
  revokeSession: { kind: "root_key" },
};

const ENVIRONMENT: MethodsOf<typeof EnvironmentService> = {
  createEnvironment: { kind: "root_key", permission: "create_environment" },
  deleteEnvironment: { kind: "root_key", permission: "delete_environment" },
  setSize: { kind: "root_key", permission: "scale_environment" },
  setIdleEnd: { kind: "root_key", permission: "scale_environment" },
  setAppSettings: { kind: "root_key", permission: "scale_environment" },
  getAppSettings: { kind: "root_key", permission: "read_deployment" },
  setProtection: { kind: "root_key", permission: "protect_environment" },
  createShareLink: { kind: "root_key", permission: "protect_environment" },
  revokeShareLinks: { kind: "root_key", permission: "protect_environment" },
  planEnvironment: { kind: "root_key", permission: "read_deployment" },
  applyEnvironment: { kind: "root_key", permission: "scale_environment" },
};

const DOMAIN: MethodsOf<typeof CustomDomainService> = {
  addCustomDomain: { kind: "root_key", permission: "manage_domains" },
  deleteCustomDomain: { kind: "root_key", permission: "manage_domains" },
  retryVerification: { kind: "root_key", permission: "manage_domains" },
  listCustomDomains: { kind: "root_key", permission: "read_domain" },
  verifyCustomDomain: { kind: "root_key", permission: "manage_domains" },
  setRedirect: { kind: "root_key", permission: "manage_domains" },
};

const ACME: MethodsOf<typeof AcmeService> = {
  verifyCertificate: { kind: "edge" },
  wantCertificate: { kind: "edge" },
};

const VAULT: MethodsOf<typeof VaultService> = {
  liveness: { kind: "public" },
  encrypt: { kind: "service" },
  decrypt: { kind: "service" },
  reEncrypt: { kind: "service" },
  encryptBulk: { kind: "service" },
  decryptBulk: { kind: "service" },
};

const SERVED: readonly (readonly [service: DescService, policies: Readonly<Record<string, Policy>>])[] = [
  [CtrlService, CTRL],
  [DeploymentService, DEPLOYMENT],
  [CronService, CRON],
  [OpenApiService, OPENAPI],
  [UploadService, UPLOAD],
  [ClusterService, CLUSTER],
  [FrontlineService, FRONTLINE],
  [AdminService, ADMIN],
  [EnvironmentService, ENVIRONMENT],
  [AcmeService, ACME],
  [VaultService, VAULT],
  [CustomDomainService, DOMAIN],
  [SessionService, SESSION],
];
const POLICIES = new Map(SERVED.map(([{ typeName }, policies]) => [typeName, policies]));

/** @throws `internal` for a method without a policy */
export function policyOf(service: DescService, method: DescMethod): Policy {
  const policy = POLICIES.get(service.typeName)?.[method.localName];
  if (policy === undefined) {
    throw new Fault("internal", `${service.typeName}/${method.name} has no policy: it cannot be served`);
  }
  return policy;
}

/** Room for the message of a method that needs no credentials. */
const LONG_JSON_BYTES_MAX = 4 * 1024 * 1024;
const PUBLIC_BYTES_MAX = 4 * 1024;

/** The methods that need no credentials, with the bytes that their messages may have. */
export function publicMethods(): ReadonlyMap<DescMethod, number> {
  const all = SERVED.flatMap(([{ methods }]) => methods);
  return new Map(
    all.filter((method) => policyOf(method.parent, method).kind === "public")
      .map((method) => [method, PUBLIC_BYTES_MAX]),
  );
}

/** Methods with lists of files, lines and instances, and the most bytes that their messages may have in JSON. */
export function longMethods(): ReadonlyMap<DescMethod, number> {
  const long = [
    ...UploadService.methods,
    DeploymentService.method.createDeployment,
    AdminService.method.setEnvironmentVariables,
    EnvironmentService.method.planEnvironment,
    EnvironmentService.method.applyEnvironment,
    ClusterService.method.reportDeploymentStatus,
    ClusterService.method.reportInstanceLogs,
    FrontlineService.method.reportRefusals,
  ];
  return new Map(long.map((method) => [method, LONG_JSON_BYTES_MAX]));
}

/**
 * The admission in front of all services: no method runs, and no body is read, before its policy has been met. With
 * `certificates` agents and edges must have shown a client certificate.
 */
export function admitByPolicy(
  authenticate: Authenticator,
  { certificates }: { readonly certificates: boolean },
): Admission {
  return async ({ service, method, requestHeader, values }) => {
    const policy = policyOf(service, method);
    if (policy.kind === "public") return;
    const principal = await authenticate(requestHeader);
    requirePolicy(policy, principal);
    if (certificates && showsCertificate(principal) && !hasClientCertificate(values)) throw noCertificate();
    setPrincipal(values, principal);
    addCallFields(values, logged(principal));
  };
}

/** @throws `permission_denied` for a caller that the policy does not let in */
export function requirePolicy(policy: Policy, principal: Principal): void {
  switch (policy.kind) {
    case "public":
      return;
    case "root_key":
      if (principal.kind === "service" && policy.service === true) return;
      if (principal.kind !== "root_key") throw wrongKind("a root key");
      if (policy.permission === undefined || mayInSomeProject(principal, policy.permission)) return;
      throw permissionDenied(`project.*.${policy.permission}`);
    case "workspace":
      if (principal.kind === "service" && policy.service === true) return;
      if (principal.kind !== "root_key") throw wrongKind("a root key");
      if (mayInWorkspace(principal, policy.permission)) return;
      throw permissionDenied(`workspace.${policy.permission}`);
    case "region":
      if (principal.kind !== "region") throw wrongKind("a region's token");
      return;
    case "edge":
      if (principal.kind === "sentinel" && policy.sentinel === true) return;
      if (principal.kind !== "edge") throw wrongKind("an edge's token");
      return;
    case "service":
      if (principal.kind !== "service") throw wrongKind("the service token");
      return;
    default:
      return policy satisfies never;
  }
}

/** Agents and edges are set up by the operator; a sentinel runs among apps, where a key of the platform should not be. */
function showsCertificate({ kind }: Principal): boolean {
  return kind === "region" || kind === "edge";
}

function noCertificate(): Fault {
  const text =
    "This control plane takes agents and edges only with a client certificate, and the connection showed none " +
    "of the authority in --tls-client-ca-file (UNKEY_TLS_CLIENT_CA_FILE). Give one with --client-cert-file " +
    "(UNKEY_CLIENT_CERT_FILE) and --client-key-file (UNKEY_CLIENT_KEY_FILE).";
  return new Fault("permission_denied", text, { publicMessage: text });
}

function wrongKind(wanted: string): Fault {
  const text = `This call needs ${wanted}: the credentials presented are of another kind.`;
  return new Fault("permission_denied", text, { publicMessage: text });
}

function logged(principal: Principal): Record<string, string> {
  switch (principal.kind) {
    case "root_key":
      return { workspace_id: principal.workspaceId, key_id: principal.keyId };
    case "region":
      return { region: principal.region };
    case "sentinel":
      return { region: principal.region, sentinel_id: principal.sentinelId };
    default:
      return { caller: principal.kind };
  }
}

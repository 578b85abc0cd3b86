import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { networksOf } from "../../internal/agents/mod.ts";
import { principalOf, type RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { encodeApp } from "../../internal/deployments/app/wire.ts";
import { decodeStrings } from "../../internal/json.ts";
import type { AuditLogTable, ProjectsTable } from "../../internal/store/mod.ts";
import { listAuditLog } from "./audit.ts";
import type { AdminDeps } from "./deps.ts";
import { GuessLimit } from "./guess_limit.ts";
import { createRootKey, listRootKeys, revokeRootKey } from "./keys.ts";
import { createLoginCode, exchangeLoginCode } from "./login_codes.ts";
import { encodeProtection } from "../../internal/protection/mod.ts";
import { createProject, listEnvironments, listProjects } from "./projects.ts";
import { addRegistry, type KnownRegistry, listRegistries, removeRegistry } from "./registries.ts";
import { createRegionToken, listRegionTokens, revokeRegionToken } from "./region_tokens.ts";
import { getStatus, listDomainTroubles, listPendingCertificates, listWorkerStatus } from "./status.ts";
import { listLimits, type ShownLimit } from "./list_limits.ts";
import { setLimit } from "./set_limit.ts";
import { listVariables, removeVariable, setVariables } from "./variables.ts";
import { createWorkspace, listWorkspaces, requireOwnWorkspace } from "./workspaces.ts";

/** Adapts the admin use cases to `ctrl.v1.AdminService`: decode, call, encode. */
export function adminHandlers(deps: AdminDeps): ServiceImpl<typeof AdminService> {
  const guesses = new GuessLimit(deps.clock);
  return {
    async createWorkspace(request) {
      return { workspaceId: await createWorkspace(deps, request) };
    },
    async listWorkspaces(request) {
      const { rows, nextPageToken } = await listWorkspaces(deps, request);
      return {
        workspaces: rows.map(({ id, slug, name, created_at }) => ({
          id,
          slug,
          name,
          createdAt: BigInt(created_at),
        })),
        nextPageToken,
      };
    },
    async createProject(request, context) {
      const caller = principalOf(context.values, "root_key", "service");
      return { project: encodeProject(await createProject(deps, caller, request)) };
    },
    async listProjects(_request, context) {
      return {
        projects: (await listProjects(deps, callerOf(context))).map((each) =>
          encodeProject(each, each.liveDeploymentId)
        ),
      };
    },
    async listEnvironments({ projectId }, context) {
      const environments = await listEnvironments(deps, callerOf(context), projectId);
      return {
        environments: environments.map(({ row, app, size, lastDeployedAt, idleEndSeconds, protection }) => ({
          id: row.id,
          slug: row.slug,
          description: row.description,
          liveDeploymentId: row.live_deployment_id ?? "",
          rolledBack: row.is_rolled_back === 1,
          size,
          ...(Object.keys(app).length === 0 ? {} : { app: encodeApp(app) }),
          lastDeployedAt: BigInt(lastDeployedAt),
          idleEndSeconds: BigInt(idleEndSeconds),
          protection: encodeProtection(protection),
        })),
      };
    },
    async setEnvironmentVariables(request, context) {
      await setVariables(deps, callerOf(context), { environment: request, variables: request.variables });
      return {};
    },
    async listEnvironmentVariables(request, context) {
      const rows = await listVariables(deps, callerOf(context), request);
      return {
        variables: rows.map(({ name, updated_at }) => ({ key: name, updatedAt: BigInt(updated_at) })),
      };
    },
    async removeEnvironmentVariable(request, context) {
      const name = request.key;
      return { removed: await removeVariable(deps, callerOf(context), { environment: request, name }) };
    },
    async createRootKey(request, context) {
      const { id, key } = await createRootKey(
        deps,
        principalOf(context.values, "root_key", "service"),
        request,
      );
      return { keyId: id, key };
    },
    async listRootKeys({ workspaceId }, context) {
      const caller = principalOf(context.values, "root_key", "service");
      const rows = await listRootKeys(deps, caller, workspaceId);
      return {
        keys: rows.map(({ id, name, start, permissions, created_at }) => ({
          id,
          name,
          start,
          permissions: decodeStrings(permissions),
          createdAt: BigInt(created_at),
        })),
      };
    },
    async revokeRootKey(request, context) {
      await revokeRootKey(deps, principalOf(context.values, "root_key", "service"), request);
      return {};
    },
    async addRegistry(request, context) {
      const caller = principalOf(context.values, "root_key", "service");
      const { registry, replaced } = await addRegistry(deps, caller, request);
      return { registry: encodeRegistry(registry), replaced };
    },
    async listRegistries({ workspaceId }, context) {
      const caller = principalOf(context.values, "root_key", "service");
      return { registries: (await listRegistries(deps, caller, workspaceId)).map(encodeRegistry) };
    },
    async removeRegistry(request, context) {
      return await removeRegistry(deps, principalOf(context.values, "root_key", "service"), request);
    },
    async createRegionToken(request) {
      const { id, token } = await createRegionToken(deps, request);
      return { token, tokenId: id };
    },
    async listRegionTokens(request) {
      const { rows, nextPageToken } = await listRegionTokens(deps, request);
      return {
        tokens: rows.map((row) => ({
          id: row.id,
          region: row.region,
          createdAt: BigInt(row.created_at),
          networks: networksOf(row),
        })),
        nextPageToken,
      };
    },
    async revokeRegionToken({ tokenId }) {
      await revokeRegionToken(deps, tokenId);
      return {};
    },
    async createLoginCode(request, context) {
      const caller = principalOf(context.values, "root_key", "service");
      const { code, expiresAt, workspaceSlug } = await createLoginCode(deps, caller, request);
      return { code, expiresAt: BigInt(expiresAt), workspaceSlug };
    },
    async exchangeLoginCode(request) {
      const { id, key } = await exchangeLoginCode(deps, guesses, request);
      return { keyId: id, key };
    },
    async listLimits({ workspaceId }, context) {
      const caller = principalOf(context.values, "root_key", "service");
      return { limits: (await listLimits(deps, caller, workspaceId)).map(encodeLimit) };
    },
    async setLimit({ workspaceId, name, value }) {
      const count = value === undefined ? undefined : Number(value);
      await setLimit(deps, { workspaceId, name, value: count });
      return {};
    },
    async listAuditLog(request, context) {
      const caller = principalOf(context.values, "root_key", "service");
      const { entries, nextPageToken } = await listAuditLog(deps, caller, request);
      return { entries: entries.map(encodeAuditEntry), nextPageToken };
    },
    async whoAmI(_request, context) {
      const { workspaceId, keyId, permissions } = callerOf(context);
      const { slug } = await requireOwnWorkspace(deps, callerOf(context));
      return { workspaceId, workspaceSlug: slug, keyId, permissions: [...permissions] };
    },
    async getStatus(_request, context) {
      const regions = await getStatus(deps, callerOf(context));
      const certificates = await listPendingCertificates(deps, callerOf(context));
      const domains = await listDomainTroubles(deps, callerOf(context));
      const workers = await listWorkerStatus(deps);
      return {
        workers: workers.map(({ startedAt, lastSeenAt, ...worker }) => ({
          ...worker,
          startedAt: BigInt(startedAt),
          lastSeenAt: BigInt(lastSeenAt),
        })),
        domains: domains.map(({ lostAtMs, ...domain }) => ({ ...domain, lostAt: BigInt(lostAtMs ?? 0) })),
        certificates: certificates.map((
          { hostname, notAfterMs, failures, problem, nextAttemptAtMs, late },
        ) => ({
          hostname,
          notAfter: BigInt(notAfterMs ?? 0),
          failures,
          problem: problem ?? "",
          nextAttemptAt: BigInt(nextAttemptAtMs),
          late,
        })),
        regions: regions.map((
          { lastNack, agents, desiredVersion, waitingSince, silentSince, ...region },
        ) => ({
          ...region,
          desiredVersion: BigInt(desiredVersion),
          agents: agents.map(({ appliedVersion, observedVersion, lastSeenAt, ...agent }) => ({
            ...agent,
            appliedVersion: BigInt(appliedVersion),
            observedVersion: BigInt(observedVersion),
            lastSeenAt: BigInt(lastSeenAt),
          })),
          lastNackResource: lastNack?.resource ?? "",
          lastNackError: lastNack?.error ?? "",
          lastNackAt: BigInt(lastNack?.at ?? 0),
          waitingSince: BigInt(waitingSince ?? 0),
          silentSince: BigInt(silentSince ?? 0),
        })),
      };
    },
  };
}

function callerOf(context: HandlerContext): RootKeyPrincipal {
  return principalOf(context.values, "root_key");
}

function encodeProject(project: ProjectsTable, liveDeploymentId = "") {
  return {
    id: project.id,
    slug: project.slug,
    name: project.name,
    defaultBranch: project.default_branch,
    liveDeploymentId,
    createdAt: BigInt(project.created_at),
  };
}

function encodeRegistry({ host, username, created_at, updated_at }: KnownRegistry) {
  return { host, username, createdAt: BigInt(created_at), updatedAt: BigInt(updated_at) };
}

function encodeAuditEntry(entry: AuditLogTable) {
  return {
    id: entry.id,
    createdAt: BigInt(entry.created_at),
    actorKind: entry.actor_kind,
    actorId: entry.actor_id,
    actorName: entry.actor_name,
    action: entry.action,
    resourceType: entry.resource_type,
    resourceId: entry.resource_id,
    projectId: entry.project_id,
    environmentId: entry.environment_id,
    factsJson: entry.facts,
  };
}

function encodeLimit({ value, used, ...limit }: ShownLimit) {
  return {
    ...limit,
    ...(value === undefined ? {} : { value: BigInt(value) }),
    ...(used === undefined ? {} : { used: BigInt(used) }),
  };
}

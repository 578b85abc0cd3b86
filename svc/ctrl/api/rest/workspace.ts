/** The routes about the workspace as a whole. */
import { z } from "zod";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import type { AuditLogTable } from "../../internal/store/mod.ts";
import { listAuditLog } from "../../services/admin/audit.ts";
import { listLimits } from "../../services/admin/list_limits.ts";
import { getStatus, type RegionStatus } from "../../services/admin/status.ts";
import { CREATED_AT, DEPLOYMENT, PROJECT } from "./examples.ts";
import { named } from "./named.ts";
import { answer, defineRoute, ok } from "./route.ts";
import { auditBody, nothingBody } from "./schemas.ts";
import { count, time } from "./shapes.ts";

const limitShape = z.object({
  name: z.string(),
  value: count.optional(),
  used: count.optional(),
  isSet: z.boolean(),
  about: z.string(),
});

const entryShape = named(
  "AuditEntry",
  z.object({
    id: z.string(),
    createdAt: time,
    actorKind: z.string(),
    actorId: z.string(),
    actorName: z.string(),
    action: z.string(),
    resourceType: z.string(),
    resourceId: z.string(),
    projectId: z.string().optional(),
    environmentId: z.string().optional(),
    facts: z.record(z.string(), z.unknown()),
  }),
);

const regionShape = named(
  "Region",
  z.object({
    region: z.string(),
    desiredVersion: count,
    desiredInstances: count,
    runningInstances: count,
    refusedDeployments: count,
    agentsAlive: count,
    silentSince: time.optional(),
    waitingSince: time.optional(),
  }),
);

export const listLimitsRoute = defineRoute({
  name: "listLimits",
  tag: "Workspace",
  summary: "Lists the limits of the workspace, and how much of each is used.",
  rpc: AdminService.method.listLimits,
  body: nothingBody,
  example: {},
  answers: {
    200: answer(
      "All of them. Without `value` a setting of the worker holds; without `used` it is not counted.",
      z.object({ limits: z.array(limitShape) }),
      { limits: [{ name: "projects", value: 100, used: 3, isSet: false, about: "projects" }] },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    const limits = await listLimits(deps, caller, "");
    return ok({
      limits: limits.map(({ value, used, ...limit }) => ({
        ...limit,
        ...(value === undefined ? {} : { value }),
        ...(used === undefined ? {} : { used }),
      })),
    });
  },
});

export const listAuditLogRoute = defineRoute({
  name: "listAuditLog",
  tag: "Workspace",
  summary: "Lists changes and who made them, newest first, in pages: the next one begins at `cursor`.",
  rpc: AdminService.method.listAuditLog,
  body: auditBody,
  example: { projectId: PROJECT, limit: 50 },
  answers: {
    200: answer(
      "One page. Without `cursor` it is the last one.",
      z.object({ entries: z.array(entryShape), cursor: z.string().optional() }),
      {
        entries: [{
          id: "audit_5fLqcHJ2t9xKs7dR",
          createdAt: CREATED_AT,
          actorKind: "root_key",
          actorId: "key_5fLqcHJ2t9xKs7dR",
          actorName: "ci",
          action: "deployment.create",
          resourceType: "deployment",
          resourceId: DEPLOYMENT,
          projectId: PROJECT,
          facts: { branch: "main" },
        }],
      },
    ),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller, body }) {
    const { projectId = "", deploymentId = "", action = "", limit = 0, cursor = "" } = body;
    const page = { workspaceId: "", projectId, deploymentId, action, pageSize: limit, pageToken: cursor };
    const { entries, nextPageToken } = await listAuditLog(deps, caller, page);
    const next = nextPageToken === "" ? {} : { cursor: nextPageToken };
    return ok({ entries: entries.map(entryData), ...next });
  },
});

export const getStatusRoute = defineRoute({
  name: "getStatus",
  tag: "Workspace",
  summary: "Shows the regions, as far as they concern the workspace. The region `*` is that of the edges.",
  rpc: AdminService.method.getStatus,
  body: nothingBody,
  example: {},
  answers: {
    200: answer("All regions.", z.object({ regions: z.array(regionShape) }), {
      regions: [{
        region: "eu-1",
        desiredVersion: 812,
        desiredInstances: 4,
        runningInstances: 4,
        refusedDeployments: 0,
        agentsAlive: 1,
      }],
    }),
  },
  problems: [],
  async run({ deps: { admin: deps }, caller }) {
    return ok({ regions: (await getStatus(deps, caller)).map(regionData) });
  },
});

function entryData(entry: AuditLogTable): z.infer<typeof entryShape> {
  return {
    id: entry.id,
    createdAt: entry.created_at,
    actorKind: entry.actor_kind,
    actorId: entry.actor_id,
    actorName: entry.actor_name,
    action: entry.action,
    resourceType: entry.resource_type,
    resourceId: entry.resource_id,
    ...(entry.project_id === "" ? {} : { projectId: entry.project_id }),
    ...(entry.environment_id === "" ? {} : { environmentId: entry.environment_id }),
    facts: factsShape.parse(JSON.parse(entry.facts)),
  };
}

const factsShape = z.record(z.string(), z.unknown()).catch({});

function regionData(status: RegionStatus): z.infer<typeof regionShape> {
  const { region, desiredVersion, desiredInstances, runningInstances, refusedDeployments, agents } = status;
  const { silentSince, waitingSince } = status;
  return {
    region,
    desiredVersion,
    desiredInstances,
    runningInstances,
    refusedDeployments,
    agentsAlive: agents.filter(({ alive }) => alive).length,
    ...(silentSince === undefined ? {} : { silentSince }),
    ...(waitingSince === undefined ? {} : { waitingSince }),
  };
}

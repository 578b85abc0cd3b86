import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteStateSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { defineFeed, feedKind } from "../../internal/changes/mod.ts";
import {
  type EndpointRow,
  type FrontlineRoutesTable,
  listEndpoints,
  listRoutes,
  pageDeploymentsWithInstances,
  pageRoutes,
  type Queryable,
} from "../../internal/store/mod.ts";

/** What an edge is told about one route or the endpoints of one deployment. */
export type RouteMessage = NonNullable<MessageInitShape<typeof RouteStateSchema>["state"]>;

const PAGE = 500;

const ROUTES = feedKind<FrontlineRoutesTable, RouteMessage>({
  resourceType: "route",
  async load(db, _region, ids) {
    return new Map((await listRoutes(db, ids)).map((row) => [row.id, row]));
  },
  async *snapshot(db) {
    for (let after = "";;) {
      const rows = await pageRoutes(db, after, PAGE);
      for (const row of rows) yield { resourceId: row.id, version: 0, row };
      after = rows.at(-1)?.id ?? after;
      if (rows.length < PAGE) return;
    }
  },
  convert: (row) => ({
    case: "applyRoute",
    value: {
      routeId: row.id,
      hostname: row.hostname,
      deploymentId: row.deployment_id,
      environmentId: row.environment_id,
      workspaceId: row.workspace_id,
    },
  }),
  gone: (routeId) => ({ case: "deleteRoute", value: { routeId } }),
});

const ENDPOINTS = feedKind<readonly EndpointRow[], RouteMessage>({
  resourceType: "endpoints",
  load: (db, _region, ids) => endpointsOf(db, ids),
  async *snapshot(db) {
    for (let after = "";;) {
      const ids = await pageDeploymentsWithInstances(db, after, PAGE);
      for (const [resourceId, row] of await endpointsOf(db, ids)) yield { resourceId, version: 0, row };
      after = ids.at(-1) ?? after;
      if (ids.length < PAGE) return;
    }
  },
  convert: (rows, deploymentId) => ({
    case: "applyEndpoints",
    value: {
      deploymentId,
      endpoints: rows.map(({ id, address, region }) => ({ instanceId: id, address, region })),
    },
  }),
  gone: (deploymentId) => ({ case: "deleteEndpoints", value: { deploymentId } }),
});

/** Also for deployments without any: then nothing of them runs, which is an answer. */
async function endpointsOf(db: Queryable, ids: readonly string[]): Promise<Map<string, EndpointRow[]>> {
  const byDeployment = new Map<string, EndpointRow[]>(ids.map((id) => [id, []]));
  for (const row of await listEndpoints(db, ids)) byDeployment.get(row.deployment_id)?.push(row);
  return byDeployment;
}

/** What every edge needs: routes, and the endpoints behind them. */
export const ROUTE_FEED = defineFeed("routes", [ROUTES, ENDPOINTS]);

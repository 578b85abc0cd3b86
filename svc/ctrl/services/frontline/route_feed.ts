import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RouteStateSchema, TrafficSplitSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { encodeStop } from "../../internal/deployments/encode_stop.ts";
import type { Vault } from "../../../../pkg/vault/mod.ts";
import { openKey } from "../../internal/protection/mod.ts";
import { openCertificateKey } from "../../internal/certificates/mod.ts";
import { percentOf, splitToken } from "../../internal/gradual/mod.ts";
import { defineFeed, type Feed, type FeedKind, feedKind, inPages } from "../../internal/changes/mod.ts";
import {
  type CertificatesTable,
  type EndpointRow,
  findDownRegions,
  type GradualSwitchesTable,
  listCertificates,
  listDownRegions,
  listEndpoints,
  listRoutes,
  listScaled,
  listServedDeployments,
  pageCertificates,
  pageDeploymentsWithInstances,
  pageRoutes,
  type Queryable,
  type RoutedDeployment,
  type SilentRegionsTable,
} from "../../internal/store/mod.ts";

/** The message about one resource of the edges. */
export type RouteMessage = NonNullable<MessageInitShape<typeof RouteStateSchema>["state"]>;

/** A message and its environment: a sentinel sees its own environment's only. */
export interface RouteEntry {
  /** `undefined` for a removal: the resource is gone, and with it the knowledge of its environment. */
  readonly environmentId: string | undefined;
  readonly message: RouteMessage;
}

interface Endpoints {
  readonly environmentId: string | undefined;
  readonly protocol: string;
  readonly isScaled: boolean;
  readonly rows: readonly EndpointRow[];
}

const PAGE = 500;

function routeKind(vault: Vault): FeedKind<RouteEntry> {
  return feedKind<RoutedDeployment, RouteEntry>({
    resourceType: "route",
    async load(db, _region, ids) {
      return new Map((await listRoutes(db, ids)).map((row) => [row.id, row]));
    },
    async *snapshot(db) {
      const pages = inPages((after) => pageRoutes(db, after, PAGE), {
        first: "",
        limit: PAGE,
        cursorOf: ({ id }) => id,
      });
      for await (const rows of pages) for (const row of rows) yield { resourceId: row.id, version: 0, row };
    },
    convert: async (row) => ({
      environmentId: row.environment_id,
      message: {
        case: "applyRoute",
        value: {
          routeId: row.id,
          hostname: row.hostname,
          deploymentId: row.deployment_id,
          environmentId: row.environment_id,
          workspaceId: row.workspace_id,
          stopped: row.stopped,
          wakes: row.wakes,
          redirectHostname: row.redirectHostname,
          ...(row.stop === undefined ? {} : { stop: encodeStop(row.stop) }),
          ...(row.gradual === undefined ? {} : { split: splitOf(row.gradual) }),
          ...(row.protection === undefined
            ? {}
            : { protection: { key: await openKey(vault, row.protection) } }),
        },
      },
    }),
    gone: (routeId) => ({
      environmentId: undefined,
      message: { case: "deleteRoute", value: { routeId } },
    }),
  });
}

function splitOf(gradual: GradualSwitchesTable): MessageInitShape<typeof TrafficSplitSchema> {
  return {
    deploymentId: gradual.deployment_id,
    percent: percentOf(gradual),
    sticky: gradual.is_sticky === 1,
    token: splitToken(gradual.id),
  };
}

const ENDPOINTS = feedKind<Endpoints, RouteEntry>({
  resourceType: "endpoints",
  load: (db, _region, ids) => endpointsOf(db, ids),
  async *snapshot(db) {
    const pages = inPages((after) => pageDeploymentsWithInstances(db, after, PAGE), {
      first: "",
      limit: PAGE,
      cursorOf: (id) => id,
    });
    for await (const ids of pages) {
      for (const [resourceId, row] of await endpointsOf(db, ids)) yield { resourceId, version: 0, row };
    }
  },
  convert: ({ environmentId, protocol, isScaled, rows }, deploymentId) => ({
    environmentId,
    message: {
      case: "applyEndpoints",
      value: {
        deploymentId,
        protocol,
        reportsLoad: isScaled,
        endpoints: rows.map(({ id, address, region }) => ({ instanceId: id, address, region })),
      },
    },
  }),
  gone: (deploymentId) => ({
    environmentId: undefined,
    message: { case: "deleteEndpoints", value: { deploymentId } },
  }),
});

/** Includes deployments without endpoints: edges must learn that nothing of them runs. */
async function endpointsOf(db: Queryable, ids: readonly string[]): Promise<Map<string, Endpoints>> {
  const served = await listServedDeployments(db, ids);
  const scaled = new Set((await listScaled(db, ids)).map((row) => row.deployment_id));
  const byDeployment = new Map<string, EndpointRow[]>(ids.map((id) => [id, []]));
  for (const row of await listEndpoints(db, ids)) byDeployment.get(row.deployment_id)?.push(row);
  return new Map([...byDeployment].map(([id, rows]) => {
    const { environmentId, protocol = "" } = served.get(id) ?? {};
    return [id, { environmentId, protocol, isScaled: scaled.has(id), rows }];
  }));
}

/** Belongs to no environment: the instances that a sentinel knows are beside it, and so up. */
const DOWN_REGIONS = feedKind<SilentRegionsTable, RouteEntry>({
  resourceType: "down_region",
  async load(db, _region, ids) {
    return new Map((await findDownRegions(db, ids)).map((row) => [row.region, row]));
  },
  async *snapshot(db) {
    for (const row of await listDownRegions(db)) yield { resourceId: row.region, version: 0, row };
  },
  convert: ({ region }) => ({
    environmentId: undefined,
    message: { case: "applyDownRegion", value: { region } },
  }),
  gone: (region) => ({
    environmentId: undefined,
    message: { case: "deleteDownRegion", value: { region } },
  }),
});

/** Certificates belong to no environment: no sentinel sees them. */
function certificateKind(vault: Vault): FeedKind<RouteEntry> {
  return feedKind<CertificatesTable, RouteEntry>({
    resourceType: "certificate",
    async load(db, _region, ids) {
      return new Map((await listCertificates(db, ids)).map((row) => [row.id, row]));
    },
    async *snapshot(db) {
      const pages = inPages((after) => pageCertificates(db, after, PAGE), {
        first: "",
        limit: PAGE,
        cursorOf: ({ id }) => id,
      });
      for await (const rows of pages) for (const row of rows) yield { resourceId: row.id, version: 0, row };
    },
    async convert(row) {
      const owner = { workspaceId: row.workspace_id, hostname: row.hostname };
      const key = await openCertificateKey(vault, owner, row.encrypted_private_key);
      return {
        environmentId: undefined,
        message: {
          case: "applyCertificate",
          value: {
            certificateId: row.id,
            hostname: row.hostname,
            certificateChainPem: row.chain,
            privateKeyPem: key.reveal(),
            notAfterMs: BigInt(row.not_after),
          },
        },
      };
    },
    gone: (certificateId) => ({
      environmentId: undefined,
      message: { case: "deleteCertificate", value: { certificateId } },
    }),
  });
}

export type RouteFeed = Feed<RouteEntry>;

/** The feed of every edge: routes, the endpoints behind them, regions that are down, and certificates. */
export function createRouteFeed(vault: Vault): RouteFeed {
  return defineFeed("routes", [routeKind(vault), ENDPOINTS, DOWN_REGIONS, certificateKind(vault)]);
}

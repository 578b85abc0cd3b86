/** An api with custom domains, and the name server that it asks. */
import type { Client } from "@connectrpc/connect";
import { transact } from "../../../../pkg/db/mod.ts";
import { TestKnot } from "../../../../pkg/testkit/knot.ts";
import { CustomDomainService } from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import type { ApiConfig } from "../../api/config.ts";
import {
  assignRoutes,
  type CustomDomainsTable,
  findCustomDomain,
  holdHostname,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { clock, startApi, type Tenant, type TestApi } from "../testing.ts";

export const ZONE = "example.com";

export interface DomainsApi extends AsyncDisposable {
  readonly api: TestApi;
  readonly knot: TestKnot;
  domains(token: string): Client<typeof CustomDomainService>;
}

export async function startDomainsApi(changes: Partial<ApiConfig> = {}): Promise<DomainsApi> {
  const knot = await TestKnot.start({ [ZONE]: [], "apps.test": [] });
  const server = `127.0.0.1:${knot.port}`;
  const api = await startApi({
    defaultDomain: "apps.test",
    domainTarget: "cname.apps.test",
    domainAddresses: ["127.0.0.1"],
    domainResolver: server,
    domainNameservers: [server],
    ...changes,
  });
  return {
    api,
    knot,
    domains: (token) => api.client(CustomDomainService, token),
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await knot[Symbol.asyncDispose]();
    },
  };
}

export async function rowOf(
  { db }: TestApi,
  { workspaceId }: Tenant,
  hostname: string,
): Promise<CustomDomainsTable> {
  const row = await findCustomDomain(db.kysely, { workspaceId, hostname });
  if (row === undefined) throw new Error(`no domain ${hostname}`);
  return row;
}

/** Verifies a domain, as the worker would. */
export async function makeVerified(
  api: TestApi,
  tenant: Tenant,
  { hostname, deploymentId }: { readonly hostname: string; readonly deploymentId?: string },
): Promise<CustomDomainsTable> {
  const row = await rowOf(api, tenant, hostname);
  const nowMs = clock.now();
  const { workspaceId, projectId } = tenant;
  await transact(api.db, async (tx) => {
    await updateCustomDomain(tx, row.id, {
      status: "verified",
      proof: "cname",
      reaches: 1,
      verified_at: nowMs,
      updated_at: nowMs,
    });
    await holdHostname(tx, { hostname, workspace_id: workspaceId, domain_id: row.id, updated_at: nowMs });
    if (deploymentId === undefined) return;
    const owner = { workspaceId, projectId, environmentId: row.environment_id, deploymentId };
    await assignRoutes(tx, { ...owner, routes: [{ hostname, sticky: "custom" }], nowMs });
  });
  return await rowOf(api, tenant, hostname);
}

/** An environment with a history of live deployments, for tests of the api. */
import type { Client } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { transact } from "../../../pkg/db/mod.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment, swapLiveDeployment } from "../internal/store/mod.ts";
import { deployImage, move, place, type Tenant, type TestApi } from "./testing.ts";

/** Three deployments, with a client of their tenant. */
export interface Life {
  readonly tenant: Tenant;
  readonly d1: string;
  readonly d2: string;
  readonly d3: string;
  readonly environmentId: string;
  readonly client: Client<typeof DeploymentService>;
  /** Calls of workflows since the set-up. */
  readonly calls: string[];
}

/** An environment in which d1, then d2 were live; d3 is ready and was never live. All of them run. */
export async function setUpLife(api: TestApi, slug = "acme"): Promise<Life> {
  const tenant = await api.tenant(slug);
  const ids: string[] = [];
  for (let count = 0; count < 3; count++) {
    const id = await deployImage(api, tenant);
    await makeRunning(api, tenant, id);
    ids.push(id);
  }
  const [d1 = "", d2 = "", d3 = ""] = ids;
  const environmentId = (await findDeployment(api.db.kysely, d1))?.environment_id ?? "";
  await setLive(api, environmentId, undefined, d1);
  await setLive(api, environmentId, d1, d2);
  const client = api.client(DeploymentService, tenant.rootKey);
  api.workflows.calls.length = 0;
  return { tenant, d1, d2, d3, environmentId, client, calls: api.workflows.calls };
}

/** Moves the live pointer, as the worker would. */
export async function setLive(
  api: TestApi,
  environmentId: string,
  expected: string | undefined,
  next: string,
  rolledBack = false,
): Promise<void> {
  await transact(api.db, async (tx) => {
    assert.ok(await swapLiveDeployment(tx, { environmentId, expected, next, rolledBack, nowMs: 1 }));
  });
}

async function makeRunning(api: TestApi, tenant: Tenant, id: string): Promise<void> {
  await place(api, tenant, id);
  await move(api, id, "ready");
  await api.db.kysely.insertInto("instances").values({
    id: `ins_${id}`,
    deployment_id: id,
    workspace_id: tenant.workspaceId,
    project_id: tenant.projectId,
    region: "local.dev",
    k8s_name: id,
    address: "10.0.0.1:8080",
    cpu_millicores: 1,
    memory_mib: 1,
    status: "running",
    reason: "",
    message: "",
    exit_code: null,
    restarts: 0,
    last_log_lines: "[]",
    last_end: null,
    created_at: 1,
    updated_at: 1,
  }).execute();
}

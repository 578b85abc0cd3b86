/** `DeploymentService.GetDeployment`, authenticated, against one api process; and that process's memory at rest. */
import { systemClock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import {
  createDeployment as insertDeployment,
  findDeployment,
  moveStatus,
  openCtrlDatabase,
} from "../../svc/ctrl/internal/store/mod.ts";
import { newDeployment } from "../../svc/ctrl/internal/store/testing.ts";
import { Testbed } from "../testbed/testbed.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { BOUNDS } from "./bounds.ts";
import { load, type LoadResult } from "./load.ts";
import { residentMib } from "./memory.ts";
import { report, type Row } from "./row.ts";

const DURATION_MS = 5_000;
const DEPLOYMENTS = 1_000;
const LOADS = [
  { connections: 1, bound: BOUNDS.getDeploymentOne },
  { connections: 16, bound: BOUNDS.getDeploymentSixteen },
];

/** Measures the api on MariaDB, the kind of database that production has. */
export async function benchApi(): Promise<Row[]> {
  const schema = await (await mysqlServer())?.createSchema();
  if (schema === undefined) throw new Error("Install mariadb-server-core to measure the api");
  try {
    await using bed = await Testbed.start({ databaseUrl: schema.url.reveal() });
    const rows: Row[] = [];
    for (const part of ["api", "krane"] as const) {
      const idleMib = await residentMib(bed.parts[part].pid);
      rows.push({
        measure: `${part} process, idle`,
        bound: BOUNDS.idleProcessMib,
        measured: `${idleMib.toFixed(0)} MiB`,
        ok: idleMib < BOUNDS.idleProcessMib.limit,
      });
    }
    const one = [await createDeployment(bed)];
    const many = await insertDeployments(schema.url, one[0] ?? "");
    const call = (method: string, requests: readonly object[], connections: number): Promise<LoadResult> =>
      load({
        url: `${bed.apiUrl}/ctrl.v1.${method}`,
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bed.rootKey}` },
        bodies: requests.map((request) => JSON.stringify(request)),
        connections,
        durationMs: DURATION_MS,
      });
    for (const { connections, bound } of LOADS) {
      // A constant answer takes the same way through the api: the rest is the cost of the lookup.
      const constant = await call("CtrlService/Liveness", [{}], connections);
      for (
        const [name, ids] of [["one deployment", one], [`${many.length} deployments in turn`, many]] as const
      ) {
        const requests = ids.map((deploymentId) => ({ deploymentId }));
        const result = await call("DeploymentService/GetDeployment", requests, connections);
        rows.push({
          measure: `GetDeployment of ${name}, MariaDB, ${connections} connection${
            connections === 1 ? "" : "s"
          }`,
          bound,
          measured: `${text(result)}; a constant ${text(constant)}`,
          ok: result.failed === 0 && result.perSecond >= bound.limit,
        });
      }
    }
    return rows;
  } finally {
    await schema.drop();
  }
}

function text({ perSecond, p99Ms, failed }: LoadResult): string {
  const failures = failed === 0 ? "" : `, ${failed} failed`;
  return `${perSecond.toFixed(0)}/s (p99 ${p99Ms.toFixed(1)} ms${failures})`;
}

/** A deployment that stays; its image need not exist. */
async function createDeployment(bed: Testbed): Promise<string> {
  const { id } = await bed.project("bench");
  const client = createRpcClient(DeploymentService, {
    baseUrl: bed.apiUrl,
    token: new Secret(bed.rootKey),
  });
  const { deploymentId } = await client.createDeployment({
    projectId: id,
    branch: "main",
    environmentSlug: "preview",
    source: { case: "dockerImage", value: "bench.invalid/none:1" },
    idempotencyKey: "bench",
  });
  return deploymentId;
}

/** Deployments that have ended, more than the api keeps in memory. */
async function insertDeployments(url: Secret, likeId: string): Promise<readonly string[]> {
  const db = await openCtrlDatabase(url, { migrate: false, log: silentLogger(), clock: systemClock() });
  try {
    const like = await findDeployment(db.kysely, likeId);
    if (like === undefined) throw new Error(`${likeId} is not there`);
    const seed = {
      workspaceId: like.workspace_id,
      projectId: like.project_id,
      productionId: like.environment_id,
      previewId: like.environment_id,
    };
    const ids: string[] = [];
    for (let count = 0; count < DEPLOYMENTS; count++) {
      const { deployment } = await transact(db, (tx) => insertDeployment(tx, newDeployment(seed)));
      const nowMs = deployment.created_at;
      await transact(
        db,
        (tx) => moveStatus(tx, { id: deployment.id, from: ["pending"], to: "failed", nowMs }),
      );
      ids.push(deployment.id);
    }
    return ids;
  } finally {
    await db.close();
  }
}

if (import.meta.main) report(await benchApi());

/** `DeploymentService.GetDeployment`, authenticated, against one api process; and that process's memory at rest. */
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { Testbed } from "../testbed/testbed.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { BOUNDS } from "./bounds.ts";
import { load, type LoadResult } from "./load.ts";
import { residentMib } from "./memory.ts";
import { report, type Row } from "./row.ts";

const DURATION_MS = 5_000;
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
    const deploymentId = await createDeployment(bed);
    const call = (method: string, request: object, connections: number): Promise<LoadResult> =>
      load({
        url: `${bed.apiUrl}/ctrl.v1.${method}`,
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${bed.rootKey}` },
        body: JSON.stringify(request),
        connections,
        durationMs: DURATION_MS,
      });
    for (const { connections, bound } of LOADS) {
      const result = await call("DeploymentService/GetDeployment", { deploymentId }, connections);
      // A constant answer takes the same way through the api: the rest is the cost of the lookup.
      const constant = await call("CtrlService/Liveness", {}, connections);
      rows.push({
        measure: `GetDeployment, MariaDB, ${connections} connection${connections === 1 ? "" : "s"}`,
        bound,
        measured: `${text(result)}; a constant ${text(constant)}`,
        ok: result.failed === 0 && result.perSecond >= bound.limit,
      });
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

if (import.meta.main) report(await benchApi());

/** `DeploymentService.GetDeployment`, authenticated, against one api process; and that process's memory at rest. */
// deno-lint-ignore-file no-console -- prints a table when run alone
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { Testbed } from "../testbed/testbed.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { load, type LoadResult } from "./load.ts";
import { residentMib } from "./memory.ts";
import { machine, renderTable, type Row } from "./row.ts";

const DURATION_MS = 5_000;
/** What the original system reached on such a machine, without authentication. */
const REFERENCE = [{ connections: 1, perSecond: 785 }, { connections: 16, perSecond: 2_550 }];
const IDLE_MIB_MAX = 120;

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
        bound: `< ${IDLE_MIB_MAX} MiB`,
        measured: `${idleMib.toFixed(0)} MiB`,
        ok: idleMib < IDLE_MIB_MAX,
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
    for (const { connections, perSecond } of REFERENCE) {
      const result = await call("DeploymentService/GetDeployment", { deploymentId }, connections);
      // The same way through the api, with nothing to find out: what is left to gain.
      const constant = await call("CtrlService/Liveness", {}, connections);
      rows.push({
        measure: `GetDeployment, MariaDB, ${connections} connection${connections === 1 ? "" : "s"}`,
        bound: `>= ${2 * perSecond}/s`,
        measured: `${text(result)}; a constant ${text(constant)}`,
        ok: result.failed === 0 && result.perSecond >= 2 * perSecond,
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

/** A deployment that stays: its image does not exist, which is no matter to whoever reads the row. */
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

if (import.meta.main) console.log(renderTable(await benchApi(), machine()));

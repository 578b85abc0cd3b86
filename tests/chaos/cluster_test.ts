/**
 * Three nodes of Restate with replicated logs, two workers and two apis on one MariaDB: a node, a worker and an api are
 * killed during 50 deploys, and all end right.
 */
import assert from "node:assert/strict";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { WorkerBed } from "../integration/worker_bed.ts";
import { Part } from "../testbed/process.ts";
import { RestateCluster } from "../testbed/restate_cluster.ts";
import { THIS_RELEASE } from "../testbed/previous_release.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";

const DEPLOYS = 50;
/** So many are made at a time. */
const AT_ONCE = 10;
const ENDED = ["ready", "stopped"];

/** An api that hands over what was created, by its sweeper. */
function apiPart(bed: WorkerBed, name: string): Part {
  const port = freePort();
  const [command = "", ...args] = THIS_RELEASE;
  return new Part({
    name,
    command,
    args: [...args, "ctrl", "api"],
    env: () => ({
      UNKEY_DATABASE_PRIMARY: bed.databaseUrl,
      UNKEY_AUTH_TOKEN: "test-service-token-0123456789abcdef",
      UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
      UNKEY_RESTATE_INGRESS_URL: bed.ingressUrl,
      UNKEY_BUILD_FILES_DIR: `${bed.directory}/objects`,
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(port),
    }),
    logFile: `${bed.directory}/${name}.log`,
    ready: () => answersOk(`http://127.0.0.1:${port}/health/ready`),
  });
}

Deno.test({
  name: "50 deploys end right on a cluster of which a node, a worker and an api are killed",
  ignore: !hasMysqlServer(),
  async fn(t) {
    const schema = await (await mysqlServer())?.createSchema();
    assert.ok(schema !== undefined);
    let cluster: RestateCluster | undefined;
    const bed = await WorkerBed.startWith({
      worker: (part) => new Part(part),
      databaseUrl: schema.url,
      cluster: async (directory) => cluster = await RestateCluster.make(directory),
    });
    const apis = [apiPart(bed, "api-1"), apiPart(bed, "api-2")];
    try {
      const first = await bed.addWorker();
      await Promise.all(apis.map((api) => api.start()));
      const ids: string[] = [];
      const more = async (): Promise<void> => {
        for (let made = 0; made < AT_ONCE; made++) ids.push(await bed.create());
      };
      const begun = (count: number) =>
        eventually(`${count} deploys to be handed over`, async () => {
          const rows = await bed.db.kysely.selectFrom("deployments").select("id")
            .where("submitted_at", "is not", null).execute();
          return rows.length >= count;
        });
      await more();
      await begun(1);
      await t.step("a node is killed", () => cluster?.killNode(0));
      await more();
      await more();
      await begun(AT_ONCE + 1);
      await t.step("a worker is killed", () => first.kill("SIGKILL"));
      await more();
      await t.step("an api is killed", () => apis[0]?.kill("SIGKILL"));
      await more();
      await t.step("the node comes back", () => cluster?.startNode(0));
      assert.equal(ids.length, DEPLOYS);
      for (const id of ids) await bed.until(id, ...ENDED);
      const newest = await bed.db.kysely.selectFrom("environments").select("live_deployment_id")
        .where("id", "=", bed.environment).executeTakeFirst();
      assert.equal(newest?.live_deployment_id, ids.at(-1));
      const open = await bed.ask(
        "select count(*) as count from sys_invocation where status not in ('completed', 'scheduled')",
      );
      await t.step(`${ids.length} deploys, ${open[0]?.["count"]} runs left`, () => undefined);
    } finally {
      for (const api of apis) await api.kill("SIGKILL");
      await bed.stop();
      await schema.drop();
    }
  },
});

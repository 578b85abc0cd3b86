import assert from "node:assert/strict";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { Part } from "../testbed/process.ts";
import { WorkerBed } from "./worker_bed.ts";

const LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const canFake = Deno.build.os === "linux" && await Deno.stat(LIBRARY).then(() => true, () => false);
/** More records than a deploy of one build leaves in Restate's journal. */
const JOURNAL_MAX = 200;

/** The database, Restate and the agent have this machine's time; only the worker's clock is wrong. */
for (const skew of ["+5m", "-5m"]) {
  Deno.test({
    name: `deploys of builds succeed, without a flood of rounds, with a worker whose clock is ${skew} off`,
    ignore: !canFake || !hasMysqlServer(),
    fn: async () => {
      const schema = await (await mysqlServer())?.createSchema();
      assert.ok(schema !== undefined);
      const env = { LD_PRELOAD: LIBRARY, FAKETIME: skew, FAKETIME_DONT_FAKE_MONOTONIC: "1" };
      const bed = await WorkerBed.startWith({
        worker: (part) => new Part(part),
        databaseUrl: schema.url,
        env,
      });
      try {
        const first = await bed.create("ok");
        await bed.workflows.submitDeploy(first);
        await bed.until(first, "ready");
        const second = await bed.create("ok");
        await bed.workflows.submitDeploy(second);
        await bed.until(second, "ready");
        const [row] = await bed.ask(
          `select journal_size from sys_invocation where target_service_key = '${second}' and target_handler_name = 'run'`,
        );
        assert.ok(Number(row?.["journal_size"]) < JOURNAL_MAX, `journal of ${row?.["journal_size"]} records`);
      } finally {
        await bed.stop();
        await schema.drop();
      }
    },
  });
}

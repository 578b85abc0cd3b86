/** The short form of the scale run: real api, worker, Restate and MariaDB, ten real agents whose containers are simulated. */
import assert from "node:assert/strict";
import { judge } from "../bench/scale/judge.ts";
import { reportRun } from "../bench/scale/report.ts";
import { runScale } from "../bench/scale/run.ts";
import { SHORT } from "../bench/scale/size.ts";
import { hasMysqlServer } from "../../pkg/testkit/mariadb.ts";

/** Of a machine that is ten times slower than it should be. */
const RUN_MS_MAX = 1_200_000;

Deno.test({
  name: "40 deploys in 10 regions end right, with bounded memory and statements, and leave nothing behind",
  ignore: !hasMysqlServer(),
  async fn() {
    const result = await runScale(SHORT, { signal: AbortSignal.timeout(RUN_MS_MAX) });
    assert.deepEqual(judge(result), [], reportRun(result));
  },
});

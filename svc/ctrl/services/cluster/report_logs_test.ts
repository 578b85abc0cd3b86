import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { transact } from "../../../../pkg/db/mod.ts";
import { ReportInstanceLogsRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { listLastInstanceLogs, placeDeployment } from "../../internal/store/mod.ts";
import { createLogTaker } from "./report_logs.ts";

const test = testOnCtrlDatabases();
const REGION = "local.dev";

test("lines are announced after they were stored, and dropped lines are not", async (db) => {
  const seed = await seedProject(db);
  const { id: deploymentId } = await seedDeployment(db, seed);
  await transact(db, (tx) =>
    placeDeployment(tx, {
      deploymentId,
      workspaceId: seed.workspaceId,
      regions: [{ region: REGION, replicas: 1 }],
      sentinels: [],
      nowMs: NOW_MS,
    }));
  const announced: Promise<unknown>[] = [];
  const taker = createLogTaker({
    db,
    logs: {
      reported: (id) =>
        void announced.push(
          listLastInstanceLogs(db.kysely, id, 10).then((rows) => rows.map(({ text }) => text)),
        ),
    },
  });
  const batch = (text: string) =>
    create(ReportInstanceLogsRequestSchema, {
      deploymentId,
      lines: [{ instance: "i", timeNs: 1n, ordinal: 0, stream: "stdout", text }],
    });
  await taker.take("elsewhere", batch("not placed there"));
  await taker.take(REGION, create(ReportInstanceLogsRequestSchema, { deploymentId }));
  assert.equal(announced.length, 0);
  await taker.take(REGION, batch("one"));
  assert.deepEqual(await Promise.all(announced), [["one"]]);
});

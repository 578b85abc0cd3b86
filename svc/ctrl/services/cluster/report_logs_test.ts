import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { transact } from "../../../../pkg/db/mod.ts";
import { ReportInstanceLogsRequestSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { type CtrlDatabase, placeDeployment, readLogTail } from "../../internal/store/mod.ts";
import { createLogTaker } from "./report_logs.ts";

const test = testOnCtrlDatabases();
const REGION = "local.dev";
const OUTPUT_BYTES_MAX = 1_048_576;

/** A deployment that is placed in the region. */
async function placed(db: CtrlDatabase): Promise<string> {
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
  return deploymentId;
}

async function storedTexts(db: CtrlDatabase, deploymentId: string): Promise<string[]> {
  const pages = await Array.fromAsync(readLogTail(db, { deploymentId, lines: 100_000 }));
  return pages.flat().map(({ text }) => text);
}

function batchOf(deploymentId: string, timeNs: bigint, ...texts: string[]) {
  const lines = texts.map((text, ordinal) => ({ instance: "i", timeNs, ordinal, stream: "stdout", text }));
  return create(ReportInstanceLogsRequestSchema, { deploymentId, lines });
}

test("lines are announced after they were stored, and dropped lines are not", async (db) => {
  const deploymentId = await placed(db);
  const announced: Promise<unknown>[] = [];
  const logs = { reported: (id: string) => void announced.push(storedTexts(db, id)) };
  const taker = createLogTaker({ db, logs, outputBytesMax: OUTPUT_BYTES_MAX });
  await taker.take("elsewhere", batchOf(deploymentId, 1n, "not placed there"));
  await taker.take(REGION, create(ReportInstanceLogsRequestSchema, { deploymentId }));
  assert.equal(announced.length, 0);
  await taker.take(REGION, batchOf(deploymentId, 1n, "one"));
  assert.deepEqual(await Promise.all(announced), [["one"]]);
});

test("a line of 200 kB is stored whole, and a longer one says where it was cut", async (db) => {
  const deploymentId = await placed(db);
  const taker = createLogTaker({ db, logs: { reported: () => undefined }, outputBytesMax: OUTPUT_BYTES_MAX });
  const [whole, long] = ["x".repeat(200_000), "\u00e9".repeat(200_000)];
  await taker.take(REGION, batchOf(deploymentId, 1n, whole, long));
  const [first, second = ""] = await storedTexts(db, deploymentId);
  assert.equal(first, whole);
  assert.match(second, /^\u00e9{131072} \(unkey: the line goes on, and was cut here\)$/);
});

test("the output of a deployment stays within its bound, and the newest lines stay", async (db) => {
  const deploymentId = await placed(db);
  const taker = createLogTaker({ db, logs: { reported: () => undefined }, outputBytesMax: OUTPUT_BYTES_MAX });
  const rounds = 40;
  for (let n = 1; n <= rounds; n++) {
    await taker.take(REGION, batchOf(deploymentId, BigInt(n), `${n} ${"x".repeat(100_000)}`));
  }
  const kept = await storedTexts(db, deploymentId);
  const bytes = kept.reduce((sum, text) => sum + text.length, 0);
  assert.ok(bytes <= OUTPUT_BYTES_MAX * 1.2 && bytes > OUTPUT_BYTES_MAX / 2, `${bytes} bytes are kept`);
  assert.match(kept.at(-1) ?? "", new RegExp(`^${rounds} x`));
});

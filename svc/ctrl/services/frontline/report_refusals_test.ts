import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { ReportRefusalsRequestSchema } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { type CtrlDatabase, readLogTail } from "../../internal/store/mod.ts";
import { NOW_MS, seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import { RefusalTaker } from "./report_refusals.ts";

const test = testOnCtrlDatabases();

async function open(db: CtrlDatabase) {
  const { id: deploymentId } = await seedDeployment(db, await seedProject(db));
  const clock = new ManualClock();
  const announced: string[] = [];
  const logs = { reported: (id: string) => void announced.push(id) };
  const taker = new RefusalTaker({ db, clock, logs, outputBytesMax: 1_048_576 });
  const report = (lines: readonly { text: string; at?: number; deploymentId?: string }[]) =>
    taker.take(
      "*",
      create(ReportRefusalsRequestSchema, {
        edgeId: "edge_1",
        refusals: lines.map(({ text, at = clock.now(), ...each }) => ({
          deploymentId,
          ...each,
          text,
          at: BigInt(at),
        })),
      }),
    );
  const stored = async (): Promise<string[]> => {
    const pages = await Array.fromAsync(readLogTail(db, { deploymentId, lines: 10_000 }));
    return pages.flat().map(({ text }) => text);
  };
  return { deploymentId, clock, announced, report, stored };
}

test("a line of an edge is in the output of the deployment, once, and announced", async (db) => {
  const { deploymentId, announced, report, stored } = await open(db);
  await report([{ text: "one\x1b[31m\n" }, { text: "two" }]);
  assert.deepEqual(await stored(), ["one?[31m?", "two"]);
  assert.deepEqual(announced, [deploymentId]);
  await report([{ text: "one\x1b[31m\n" }, { text: "two" }]);
  assert.deepEqual(await stored(), ["one?[31m?", "two"], "a report whose answer was lost is sent again");
});

test("lines of edges stay below 30 a minute for each deployment", async (db) => {
  const { clock, report, stored } = await open(db);
  for (let batch = 0; batch < 5; batch++) {
    await report(Array.from({ length: 10 }, (_, index) => ({ text: `${batch}.${index}` })));
    await clock.advance(1_000);
  }
  assert.equal((await stored()).length, 30);
  await clock.advance(60_000);
  await report([{ text: "after a minute" }]);
  assert.equal((await stored()).at(-1), "after a minute");
});

test("unknown deployments are left out, and what is too much or no id is refused", async (db) => {
  const { announced, report, stored } = await open(db);
  await report([{ text: "lost", deploymentId: newId("deployment", NOW_MS) }, { text: "x".repeat(2_000) }]);
  assert.deepEqual((await stored()).map(({ length }) => length), [1_000]);
  assert.equal(announced.length, 1);
  const bad = (error: unknown) => isFault(error, "invalid_argument");
  await assert.rejects(report(Array.from({ length: 101 }, () => ({ text: "x" }))), bad);
  await assert.rejects(report([{ text: "x", deploymentId: "no id" }]), bad);
});

test("times are not of the future, nor older than an hour", async (db) => {
  const { deploymentId, clock, report } = await open(db);
  const nowMs = clock.now();
  await report([{ text: "early", at: nowMs - 5_000_000 }, { text: "late", at: nowMs + 5_000_000 }]);
  const pages = await Array.fromAsync(readLogTail(db, { deploymentId, lines: 10 }));
  const times = pages.flat().map(({ timeNs }) => Number(BigInt(timeNs) / 1_000_000n) - nowMs);
  assert.deepEqual(times, [-3_600_000, 0]);
});

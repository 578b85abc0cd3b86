import assert from "node:assert/strict";
import { access, deploymentOf, NOW, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

Deno.test("status --events tells what befell the instances, and since when they are in trouble", async () => {
  await using api = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment: deploymentOf({ id: "d_9" }) }),
      listInstances: () => ({
        instances: [{
          name: "a-refused",
          region: "eu",
          status: "pending",
          reason: "quota",
          message: "No room.",
          troubleSince: BigInt(NOW - 60_000),
        }],
      }),
      listInstanceEvents: () => ({
        events: [{
          kind: "ended",
          reason: "oom_killed",
          message: "Out of memory.",
          instance: "a-1",
          region: "eu",
          exitCode: 137,
          times: 3,
          firstAt: BigInt(NOW - 3_720_000),
          lastAt: BigInt(NOW - 120_000),
        }, {
          kind: "recovered",
          reason: "unhealthy",
          message: "Well again.",
          instance: "a-1",
          region: "eu",
          times: 1,
          firstAt: BigInt(NOW - 5_000),
          lastAt: BigInt(NOW - 5_000),
        }],
      }),
    },
  });
  const { stdout } = await unkey(["status", "d_9", "--events"], { env: access(api.url) });
  assert.ok(
    stdout.endsWith(`
INSTANCE   REGION  STATUS           RESTARTS  TROUBLE
a-refused  eu      pending (quota)  0         for 1m: No room.

LAST    TIMES          REGION  INSTANCE  EVENT       MESSAGE
2m ago  3 times in 1h  eu      a-1       oom_killed  Out of memory.
5s ago  -              eu      a-1       recovered   Well again.
`),
    stdout,
  );
  const shown = onlyJson(await unkey(["status", "d_9", "--events", "--json"], { env: access(api.url) }));
  assert.ok(typeof shown === "object" && shown !== null && "events" in shown && Array.isArray(shown.events));
  assert.deepEqual(shown.events[0], {
    kind: "ended",
    reason: "oom_killed",
    message: "Out of memory.",
    instance: "a-1",
    region: "eu",
    exitCode: 137,
    times: 3,
    firstAt: NOW - 3_720_000,
    lastAt: NOW - 120_000,
  });
});

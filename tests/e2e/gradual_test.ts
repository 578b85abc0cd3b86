import assert from "node:assert/strict";
import { eventually } from "../testbed/wait.ts";
import { GradualLoad } from "../testbed/gradual_load.ts";

Deno.test("a version with 5 % errors is aborted without a person, and no other request fails", async () => {
  await using load = await GradualLoad.start({ failPercent: 5, pauseMs: 20 });
  const { bed, live, next } = load;
  const { code, stdout, stderr } = await bed.unkey([
    "promote",
    next.id,
    "--gradual",
    "--steps",
    "50",
    "--every",
    "1h",
    "--yes",
  ]);
  assert.equal(code, 21, `${stdout}\n${stderr}`);
  assert.match(
    stdout,
    /was not promoted, aborted: [0-9.]+ % of [0-9,]+ requests failed, 0\.0 % of [0-9,]+ of the live version\./,
  );
  const seen = load.lanes.lastOf("version 0.") ?? 0;
  assert.ok(seen > 0);
  assert.deepEqual(load.failed, []);
  const status = await bed.unkey(["status", next.id]);
  assert.match(status.stdout, /gradual +aborted: /);
  const shown = await bed.unkey(["status", live.id, "--json"]);
  assert.equal(JSON.parse(shown.stdout).live, true);
  const switches = await load.switches();
  assert.deepEqual(switches.map(({ cause, percent }) => [cause, percent]), [["abort", 100], ["gradual", 50]]);
  for (const { receipt } of switches) assert.equal(receipt?.failedByEdge, 0n);
});

Deno.test("a deploy in steps is ready with its first share, goes live by itself, and no request fails", async () => {
  await using load = await GradualLoad.start({ failPercent: 0, pauseMs: 20 });
  const { bed, live, lanes } = load;
  // Ends the rollback.
  assert.equal((await bed.unkey(["promote", live.id, "--yes"])).code, 0);
  const next = await load.deploy("version 2.", ["--gradual", "--steps", "50", "--every", "2s"]);
  await eventually("the new version to be live", async () => {
    const { stdout } = await bed.unkey(["status", next.id, "--json"]);
    return JSON.parse(stdout).live === true;
  });
  await eventually(
    "an answer of the new version",
    () => Promise.resolve((lanes.lastOf("version 2.") ?? 0) > 0),
  );
  assert.deepEqual(load.failed, []);
  const switches = (await load.switches()).slice(0, 2);
  assert.deepEqual(switches.map(({ cause, percent }) => [cause, percent]), [["promote", 100], [
    "gradual",
    50,
  ]]);
  for (const { receipt } of switches) assert.equal(receipt?.failedByEdge, 0n);
});

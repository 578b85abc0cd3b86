import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments set takes days, hours and minutes, never, and the operator's value", async () => {
  const ends: string[] = [];
  await using api = await controlPlane([], ends);
  const set = async (value: string) =>
    (await api.run(["environments", "set", "qa", "--idle-end", value])).stdout;
  assert.equal(await set("7d"), "shop qa: deployments end after 7d without a request\n");
  assert.equal(await set("36h"), "shop qa: deployments end after 36h without a request\n");
  assert.equal(await set("never"), "shop qa: deployments never end for want of requests\n");
  assert.equal(await set("default"), "shop qa: deployments end after 7d without a request\n");
  assert.deepEqual(ends, ["qa 604800", "qa 129600", "qa 0", "qa undefined"]);
  assert.deepEqual(onlyJson(await api.run(["environments", "set", "qa", "--idle-end", "1d", "--json"])), {
    project: "shop",
    environment: "qa",
    idleEndSeconds: 86_400,
  });
});

Deno.test("environments set refuses what is no time, and a call that sets nothing", async () => {
  await using api = await controlPlane();
  for (const value of ["0d", "7", "1w", "-1h", "1.5d"]) {
    const { code, stderr } = await api.run(["environments", "set", "qa", "--idle-end", value]);
    assert.equal(code, 2, value);
    assert.match(stderr, /must be a time such as 7d, 12h or 30m, or never, or default/);
  }
  const { code, stderr } = await api.run(["environments", "set", "qa"]);
  assert.equal(code, 2);
  assert.match(stderr, /Nothing to set: give --idle-end/);
});

import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("variables remove names the variables that it removed, and leaves out those that were not there", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["remove", "OLD", "NONE", "OLD"]);
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /^removed OLD in preview of shop\n.*"unkey redeploy"/);
  assert.deepEqual(onlyJson(await api.run(["remove", "TOKEN", "--json"])), {
    project: "shop",
    environment: "preview",
    removed: ["TOKEN"],
  });
});

Deno.test("variables remove fails when none of the variables is there", async () => {
  await using api = await controlPlane();
  const result = await api.run(["remove", "NONE", "NEITHER", "--json"]);
  assert.equal(result.code, 1);
  const message = 'There is no NONE and no NEITHER in preview: "unkey variables list" shows what there is.';
  assert.deepEqual(onlyJson(result), { error: { code: "not_found", message }, exitCode: 1 });
});

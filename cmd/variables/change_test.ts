import assert from "node:assert/strict";
import { onlyJson } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("variables set --redeploy redeploys the live deployment and prints its URLs", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await api.run(["set", "A=1", "--redeploy"]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "http://shop-acme.localhost:7070\n");
  assert.match(stderr, /set 1 variable \(A\)[^]*redeploying d_1[^]*created d_2/);
  const [{ redeployOf, environmentSlug, idempotencyKey } = {}] = api.creates;
  assert.deepEqual([redeployOf, environmentSlug], ["d_1", ""]);
  assert.match(idempotencyKey ?? "", /^deploy_/);
  const removed = await api.run(["remove", "TOKEN", "NONE", "--redeploy", "--json"]);
  assert.equal(removed.code, 0, removed.stderr);
  const result = onlyJson(removed);
  assert.ok(typeof result === "object" && result !== null && "id" in result && "environment" in result);
  assert.ok("removed" in result);
  assert.deepEqual([result.id, result.environment, result.removed], ["d_2", "preview", ["TOKEN"]]);
});

Deno.test("variables set --redeploy changes the variables also when there is nothing to redeploy, and ends with 1", async () => {
  await using api = await controlPlane("");
  const { code, stderr } = await api.run(["set", "A=1", "--redeploy"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /set 1 variable \(A\)[^]*nothing in the environment "preview" of shop.*"unkey deploy"/,
  );
  assert.equal(api.sets.length, 1);
});

import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { onlyFailure, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane, TOKEN } from "./testing.ts";

Deno.test("admin region-tokens revoke names the token that it revoked", async () => {
  await using api = await controlPlane();
  assert.equal((await api.run("region-tokens", "revoke", "rt_1")).stderr, "revoked rt_1\n");
  assert.deepEqual(onlyJson(await api.run("region-tokens", "revoke", "rt_2", "--json")), {
    id: "rt_2",
    revoked: true,
  });
  assert.deepEqual(api.revoked, ["rt_1", "rt_2"]);
});

Deno.test("admin region-tokens revoke fails for a token that does not exist", async () => {
  await using api = await startControlPlane({
    admin: {
      revokeRegionToken: () => Promise.reject(publicFault("not_found", 'Token "rt_9" was not found.')),
    },
  });
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: TOKEN };
  const result = await unkey(["admin", "region-tokens", "revoke", "rt_9", "--json"], { env });
  assert.equal(result.code, 1);
  assert.deepEqual(onlyFailure(result), {
    error: { code: "not_found", message: 'Token "rt_9" was not found.' },
    exitCode: 1,
  });
});

import assert from "node:assert/strict";
import { access, onlyFailure, onlyJson, unkey } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("keys revoke names the key that it revoked, and one that does not exist", async () => {
  await using test = await controlPlane();
  const env = access(test.api.url);
  assert.deepEqual(await unkey(["keys", "revoke", "key_2"], { env }), {
    code: 0,
    stdout: "",
    stderr: "revoked key_2\n",
  });
  assert.deepEqual(onlyJson(await unkey(["keys", "revoke", "key_2", "--json"], { env })), {
    id: "key_2",
    revoked: true,
  });
  const missing = await unkey(["keys", "revoke", "key_9", "--json"], { env });
  assert.equal(missing.code, 1);
  assert.deepEqual(onlyFailure(missing), {
    error: { code: "not_found", message: 'Root key "key_9" was not found.' },
    exitCode: 1,
  });
});

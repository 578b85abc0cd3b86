import assert from "node:assert/strict";
import { access, ROOT_KEY, startControlPlane, unkey } from "./testing.ts";

const ARGS = ["admin", "workspaces", "list"];

Deno.test("commands of an operator name a service token that is missing or wrong, without its value", async () => {
  await using api = await startControlPlane({});
  const missing = await unkey(ARGS, { env: { UNKEY_API_BASE_URL: api.url } });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /UNKEY_AUTH_TOKEN is required/);
  const wrong = await unkey(ARGS, { env: { UNKEY_API_BASE_URL: api.url, UNKEY_AUTH_TOKEN: "wrong" } });
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /does not accept the service token: UNKEY_AUTH_TOKEN must be what/);
  assert.doesNotMatch(wrong.stderr, /wrong/);
});

/** A developer's key must not reach the methods of an operator by accident. */
Deno.test("commands of an operator do not fall back to a root key", async () => {
  await using api = await startControlPlane({ admin: { listWorkspaces: () => ({}) } });
  const { code, stderr } = await unkey(ARGS, { env: access(api.url) });
  assert.equal(code, 2);
  assert.match(stderr, /UNKEY_AUTH_TOKEN is required/);
  assert.doesNotMatch(stderr, new RegExp(ROOT_KEY));
});

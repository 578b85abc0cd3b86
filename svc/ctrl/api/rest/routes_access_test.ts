/** The access of all routes: each has the policy of its RPC, before its body is looked at. */
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { policyOf } from "../policies.ts";
import { startApi } from "../../services/testing.ts";
import { ROUTES } from "./routes.ts";
import { callRest } from "./testing.ts";

Deno.test("every route refuses unknown keys, and keys without its permission", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const keyWith = async (permission: string): Promise<string> =>
    (await admin.createRootKey({ permissions: [permission] })).key;
  const [logs, status] = [await keyWith("project.*.read_logs"), await keyWith("workspace.read_status")];
  let count = 0;
  for (const { name, example, rpc } of ROUTES) {
    await t.step(name, async () => {
      const client = { "x-forwarded-for": `192.0.2.${++count}` };
      const unknown = await callRest(api.url, name, example, "unkey_wrong", client);
      assert.deepEqual([unknown.status, unknown.type], [401, "authentication/key_not_found"]);
      const policy = policyOf(rpc.parent, rpc);
      const needed = "permission" in policy ? policy.permission : undefined;
      const weak = needed === "read_logs" ? status : logs;
      const refused = await callRest(api.url, name, { no: "field" }, weak);
      const expected = needed === undefined ? [400, "application/invalid_input"] : [
        403,
        "authorization/insufficient_permissions",
      ];
      assert.deepEqual([refused.status, refused.type], expected);
    });
  }
});

Deno.test("every route answers its example to a key that may do all, with a documented status", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  for (const { name, example, streams, problems } of ROUTES) {
    if (streams) continue;
    await t.step(name, async () => {
      const { status } = await callRest(api.url, name, example, rootKey);
      assert.ok([200, 201, 400, ...problems].includes(status), String(status));
    });
  }
});

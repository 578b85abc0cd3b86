import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi } from "../testing.ts";

Deno.test("a root key passes on only what it has, is shown once, and knows its own workspace only", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, own.rootKey);
  const permissions = ["workspace.manage_keys", "project.*.read_project"];
  const { key, keyId } = await admin.createRootKey({ name: "ci", permissions });
  assert.match(key, /^unkey_[1-9A-HJ-NP-Za-km-z]{30,}$/);
  const ci = api.client(AdminService, key);
  const who = await ci.whoAmI({});
  assert.deepEqual([who.workspaceSlug, who.keyId, who.permissions], ["acme", keyId, permissions]);
  await refused(ci.createRootKey({ permissions: ["*"] }), Code.PermissionDenied, /"\*"/);
  await refused(
    ci.createRootKey({ permissions: ["project.*.read_logs"] }),
    Code.PermissionDenied,
    /read_logs/,
  );
  await ci.createRootKey({ permissions: [`project.${own.projectId}.read_project`] });
  await refused(
    ci.createRootKey({ permissions: ["project.*.fly"] }),
    Code.InvalidArgument,
    /^permissions must/,
  );
  await refused(ci.createRootKey({ permissions: [] }), Code.InvalidArgument, /at least one/);
  const { keys } = await admin.listRootKeys({});
  assert.equal(keys.length, 3);
  assert.ok(keys.every((each) => each.start.length === 10 && !JSON.stringify(each.name).includes(key)));
  await refused(
    api.client(AdminService, other.rootKey).revokeRootKey({ keyId }),
    Code.NotFound,
    /was not found/,
  );
  const stored = JSON.stringify(await api.db.kysely.selectFrom("root_keys").selectAll().execute());
  assert.ok(!stored.includes(key), "only the hash is stored");
  await refused(
    api.client(AdminService, SERVICE_TOKEN).createRegionToken({ region: "A B" }),
    Code.InvalidArgument,
    /^region must/,
  );
});

Deno.test("a root key revokes no key that may do what it may not, and none is the last that manages keys", async () => {
  await using api = await startApi();
  const { rootKey, workspaceId } = await api.tenant("acme");
  const owner = api.client(AdminService, rootKey);
  const make = async (...permissions: string[]) => {
    const { key, keyId } = await owner.createRootKey({ permissions });
    return { keyId, client: api.client(AdminService, key) };
  };
  const manager = await make("workspace.manage_keys", "project.*.read_logs");
  const [first] = (await owner.listRootKeys({})).keys;
  const wider = await make("project.*.read_logs", "workspace.read_status");
  const narrower = await make("project.proj_1a.read_logs");
  for (const keyId of [first?.id ?? "", wider.keyId]) {
    await refused(
      manager.client.revokeRootKey({ keyId }),
      Code.PermissionDenied,
      /lacks the permission "(\*|workspace.read_status)"/,
    );
  }
  await manager.client.revokeRootKey({ keyId: narrower.keyId });

  await owner.revokeRootKey({ keyId: manager.keyId });
  const last = /the last key of the workspace that may manage keys/;
  await refused(owner.revokeRootKey({ keyId: first?.id ?? "" }), Code.FailedPrecondition, last);
  assert.equal((await owner.listRootKeys({})).keys.length, 2);
  await owner.revokeRootKey({ keyId: wider.keyId });
  // The operator can make another one.
  await api.client(AdminService, SERVICE_TOKEN).revokeRootKey({ workspaceId, keyId: first?.id ?? "" });
});

Deno.test("of two keys that revoke each other at once one is left to manage keys", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const owner = api.client(AdminService, rootKey);
  const [first] = (await owner.listRootKeys({})).keys;
  const other = await owner.createRootKey({ permissions: ["*"] });
  const second = api.client(AdminService, other.key);
  // From now on both are known, so that neither is refused for what the other has done.
  await Promise.all([owner.whoAmI({}), second.whoAmI({})]);
  const outcomes = await Promise.allSettled([
    owner.revokeRootKey({ keyId: other.keyId }),
    second.revokeRootKey({ keyId: first?.id ?? "" }),
  ]);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("the operator lists workspaces, and makes, lists and revokes keys of each, by slug or id", async () => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const slugs: string[] = [];
  let pageToken = "";
  do {
    const page = await operator.listWorkspaces({ pageSize: 1, pageToken });
    slugs.push(...page.workspaces.map(({ slug }) => slug));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  assert.deepEqual(slugs.toSorted(), ["acme", "globex"]);
  await refused(operator.listWorkspaces({ pageToken: "x" }), Code.InvalidArgument, /page_token/);

  const { keyId } = await operator.createRootKey({ workspaceId: "acme", name: "lost", permissions: ["*"] });
  const { keys } = await operator.listRootKeys({ workspaceId: own.workspaceId });
  assert.deepEqual(keys.map(({ name }) => name).toSorted(), ["", "lost"]);
  await refused(
    operator.revokeRootKey({ workspaceId: "globex", keyId }),
    Code.NotFound,
    /was not found/,
  );
  await operator.revokeRootKey({ workspaceId: "acme", keyId });
  assert.equal((await operator.listRootKeys({ workspaceId: "acme" })).keys.length, 1);
  await refused(operator.listRootKeys({}), Code.InvalidArgument, /an id or a slug/);
  await refused(operator.listRootKeys({ workspaceId: "nobody" }), Code.NotFound, /"nobody"/);
  const tenant = api.client(AdminService, own.rootKey);
  await refused(tenant.listRootKeys({ workspaceId: other.workspaceId }), Code.NotFound, /Workspace/);
  await refused(tenant.revokeRootKey({ workspaceId: other.workspaceId, keyId }), Code.NotFound, /Workspace/);
});

Deno.test("createRootKey() and revokeRootKey() refuse malformed and unknown values", async (t) => {
  await using api = await startApi();
  const { rootKey, projectId } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const create = (permissions: string[], name = "") => () => admin.createRootKey({ permissions, name });
  const many = Array.from({ length: 101 }, (_, n) => `project.proj_${n}x.read_project`);
  const { keyId } = await admin.createRootKey({ permissions: many.slice(1) });
  await eachRefused(t, [
    ["no permission", create([]), Code.InvalidArgument, /^permissions must name at least one/],
    ["101 permissions", create(many), Code.InvalidArgument, /^permissions must be at most 100/],
    ["an unknown action", create(["workspace.fly"]), Code.InvalidArgument, /^permissions must look like/],
    ["a long name", create(["*"], "x".repeat(257)), Code.InvalidArgument, /^name must have at most 256/],
    [
      "an id of another kind",
      () => admin.revokeRootKey({ keyId: projectId }),
      Code.InvalidArgument,
      /^key_id/,
    ],
  ]);
  await admin.revokeRootKey({ keyId });
  await refused(admin.revokeRootKey({ keyId }), Code.NotFound, /was revoked before/);
  const repeated = await admin.createRootKey({ permissions: ["*", "*"] });
  const { keys } = await admin.listRootKeys({});
  assert.deepEqual(keys.find(({ id }) => id === repeated.keyId)?.permissions, ["*"]);
});

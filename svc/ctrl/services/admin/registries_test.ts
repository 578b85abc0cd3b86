import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { refused, SERVICE_TOKEN, startApi } from "../testing.ts";

const HUB = { host: "https://index.docker.io/v1/", username: "acme", secret: "s3cret" };

Deno.test("credentials for a registry are stored as ciphertext, by host, and never read back", async () => {
  await using api = await startApi();
  const [tenant, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const admin = api.client(AdminService, tenant.rootKey);
  const added = await admin.addRegistry(HUB);
  assert.deepEqual([added.registry?.host, added.replaced], ["docker.io", false]);
  await admin.addRegistry({ host: "GHCR.io", username: "octo", secret: "s3cret" });
  const again = await admin.addRegistry({
    host: "registry-1.docker.io",
    username: "new",
    secret: "s3cret 2",
  });
  assert.deepEqual(
    [again.registry?.host, again.registry?.createdAt, again.replaced],
    ["docker.io", added.registry?.createdAt, true],
  );

  const { registries } = await admin.listRegistries({});
  assert.deepEqual(registries.map(({ host, username }) => [host, username]), [
    ["docker.io", "new"],
    ["ghcr.io", "octo"],
  ]);
  assert.deepEqual(registries[0], again.registry);
  assert.deepEqual((await api.client(AdminService, other.rootKey).listRegistries({})).registries, []);
  const stored = await api.db.kysely.selectFrom("registry_credentials").selectAll().execute();
  assert.equal(stored.length, 2);
  assert.doesNotMatch(JSON.stringify(stored), /s3cret/);
  assert.doesNotMatch(api.lines.join("\n"), /s3cret/);

  const removed = await admin.removeRegistry({ host: "hub.docker.com" });
  assert.deepEqual([removed.removed, removed.host], [true, "docker.io"]);
  assert.equal((await admin.removeRegistry({ host: "docker.io" })).removed, false);
  const { entries } = await admin.listAuditLog({});
  assert.deepEqual(
    entries.filter(({ resourceType }) => resourceType === "registry").map((each) => [
      each.action,
      each.resourceId,
      JSON.parse(each.factsJson),
    ]),
    [
      ["registry.remove", "docker.io", {}],
      ["registry.add", "docker.io", { username: "new", replaced: true }],
      ["registry.add", "ghcr.io", { username: "octo", replaced: false }],
      ["registry.add", "docker.io", { username: "acme", replaced: false }],
    ],
  );
});

Deno.test("credentials that no registry could take are refused, without the secret", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const cases: readonly (readonly [Partial<typeof HUB>, RegExp])[] = [
    [{ host: "" }, /^host is required/],
    [{ host: "ghcr.io/acme" }, /^host must not have a path: .*its host alone/],
    [{ host: "https://acme:s3cret@ghcr.io" }, /^host must not contain a user name or password$/],
    [{ host: "acme" }, /^host must have a dot or a port/],
    [{ username: "" }, /^username is required/],
    [{ username: "a:b" }, /^username must not contain a colon/],
    [{ username: "a\nb" }, /^username must not contain control/],
    [{ username: "x".repeat(256) }, /^username must have at most 255/],
    [{ secret: "" }, /^secret is required/],
    [{ secret: "s3cret".repeat(16_384) }, /^secret must have at most 16 KiB$/],
    [{ secret: "s3cret\0" }, /^secret must not contain NUL$/],
  ];
  for (const [change, expected] of cases) {
    await t.step(String(expected), async () => {
      await refused(admin.addRegistry({ ...HUB, ...change }), Code.InvalidArgument, expected);
    });
  }
  await refused(admin.removeRegistry({ host: "ghcr.io/acme" }), Code.InvalidArgument, /path/);
  assert.deepEqual((await admin.listRegistries({})).registries, []);
  await admin.addRegistry({
    host: "x".repeat(60) + ".io",
    username: "x".repeat(255),
    secret: "é".repeat(8_192),
  });
});

Deno.test("a workspace has credentials for 50 registries, and can replace each of them", async () => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const add = (at: number) => admin.addRegistry({ ...HUB, host: `r${at}.example.com` });
  await Promise.all(Array.from({ length: 49 }, (_, at) => add(at)));
  const last = await Promise.allSettled([add(49), add(50), add(51)]);
  assert.equal(last.filter(({ status }) => status === "fulfilled").length, 1);
  await refused(add(52), Code.FailedPrecondition, /50 registries.*"unkey registries remove"/);
  assert.equal((await add(7)).replaced, true);
  await admin.removeRegistry({ host: "r7.example.com" });
  await add(52);
  assert.equal((await admin.listRegistries({})).registries.length, 50);
});

Deno.test("the operator names a workspace, and a key needs the permission for registries", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const admin = api.client(AdminService, own.rootKey);
  await operator.addRegistry({ ...HUB, workspaceId: "acme" });
  assert.equal((await operator.listRegistries({ workspaceId: own.workspaceId })).registries.length, 1);
  assert.equal((await admin.listRegistries({})).registries.length, 1);
  assert.deepEqual((await operator.listRegistries({ workspaceId: "globex" })).registries, []);
  await refused(operator.addRegistry(HUB), Code.InvalidArgument, /an id or a slug/);
  const foreign = { workspaceId: other.workspaceId };
  await refused(admin.addRegistry({ ...HUB, ...foreign }), Code.NotFound, /Workspace/);
  await refused(admin.listRegistries(foreign), Code.NotFound, /Workspace/);
  await refused(admin.removeRegistry({ host: "docker.io", ...foreign }), Code.NotFound, /Workspace/);

  const { key: narrow } = await admin.createRootKey({ permissions: ["workspace.manage_keys"] });
  const { key: able } = await admin.createRootKey({ permissions: ["workspace.manage_registries"] });
  const without = api.client(AdminService, narrow);
  for (const call of [without.addRegistry(HUB), without.listRegistries({}), without.removeRegistry(HUB)]) {
    await refused(call, Code.PermissionDenied, /workspace\.manage_registries/);
  }
  assert.equal((await api.client(AdminService, able).removeRegistry(HUB)).removed, true);
});

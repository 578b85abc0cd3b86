import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { eachRefused, refused, startApi } from "../testing.ts";

Deno.test("environment variables are stored as ciphertext, within limits, and never read back", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const admin = api.client(AdminService, tenant.rootKey);
  const where = { projectId: tenant.projectId, environmentSlug: "preview" };
  await admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "s3cret", OTHER: "x" } });
  await admin.setEnvironmentVariables({ ...where, variables: { TOKEN: "changed" } });
  const { variables } = await admin.listEnvironmentVariables(where);
  assert.deepEqual(variables.map(({ key }) => key), ["OTHER", "TOKEN"]);
  const dump = JSON.stringify(await api.db.kysely.selectFrom("environment_variables").selectAll().execute());
  assert.doesNotMatch(dump, /s3cret|changed/);
  assert.doesNotMatch(api.lines.join("\n"), /s3cret|changed/);

  const set = (variables: Record<string, string>) => admin.setEnvironmentVariables({ ...where, variables });
  for (const bad of ["1A", "A/B", "", "A B", "A=B"]) {
    await refused(set({ [bad]: "x" }), Code.InvalidArgument, /^variables must/);
  }
  await refused(set({ PORT: "1" }), Code.InvalidArgument, /must not hold PORT.*--port/);
  await refused(set({ A: "a\0b" }), Code.InvalidArgument, /NUL/);
  await refused(set({ A: "x".repeat(65_536) }), Code.OutOfRange, /64 KiB/);
  await set({ A: "x".repeat(40_000) });
  await refused(set({ B: "x".repeat(40_000) }), Code.OutOfRange, /64 KiB/);
  await set({ A: "x".repeat(60_000) });
  assert.equal((await admin.removeEnvironmentVariable({ ...where, key: "A" })).removed, true);
  assert.equal((await admin.removeEnvironmentVariable({ ...where, key: "A" })).removed, false);
  await set({ B: "x".repeat(40_000) });
  await refused(admin.listEnvironmentVariables({ ...where, environmentSlug: "qa" }), Code.NotFound, /It has/);
});

Deno.test("an environment holds 500 variables, and each call needs its permission", async (t) => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const admin = api.client(AdminService, rootKey);
  const where = { projectId, environmentSlug: "preview" };
  const { key } = await admin.createRootKey({ permissions: ["project.*.read_environment"] });
  const reader = api.client(AdminService, key);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`V${n}`, ""]));
  await admin.setEnvironmentVariables({ ...where, variables: many });
  await eachRefused(t, [
    [
      "one more",
      () => admin.setEnvironmentVariables({ ...where, variables: { ONE_MORE: "" } }),
      Code.OutOfRange,
      /at most 500 variables/,
    ],
    [
      "a set by a key that may read only",
      () => reader.setEnvironmentVariables({ ...where, variables: { A: "" } }),
      Code.PermissionDenied,
      /write_environment_variables/,
    ],
    [
      "a removal by a key that may read only",
      () => reader.removeEnvironmentVariable({ ...where, key: "V0" }),
      Code.PermissionDenied,
      /write_environment_variables/,
    ],
    [
      "a removal of a malformed name",
      () => admin.removeEnvironmentVariable({ ...where, key: "A/B" }),
      Code.InvalidArgument,
      /^key must be letters/,
    ],
  ]);
  await admin.setEnvironmentVariables({ ...where, variables: { V0: "replaced" } });
  assert.equal((await reader.listEnvironmentVariables(where)).variables.length, 500);
});

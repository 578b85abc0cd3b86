import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { refused, startApi } from "../testing.ts";

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
  for (const bad of ["1A", "A-B", "", "A B"]) {
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

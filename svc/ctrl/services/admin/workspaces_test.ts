import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi } from "../testing.ts";

Deno.test("createWorkspace() refuses slugs that are taken or do not fit into host names", async (t) => {
  await using api = await startApi();
  const operator = api.client(AdminService, SERVICE_TOKEN);
  await operator.createWorkspace({ slug: "acme" });
  const create = (slug: string, name = "") => () => operator.createWorkspace({ slug, name });
  await eachRefused(t, [
    ["no slug", create(""), Code.InvalidArgument, /^slug is required/],
    ["capitals", create("Acme"), Code.InvalidArgument, /^slug must/],
    ["64 characters", create("x".repeat(64)), Code.InvalidArgument, /^slug must/],
    ["a taken slug", create("acme"), Code.AlreadyExists, /workspace "acme" already: choose another/],
    ["a long name", create("other", "x".repeat(257)), Code.InvalidArgument, /^name must have at most 256/],
  ]);
  const { workspaces } = await operator.listWorkspaces({});
  assert.deepEqual(workspaces.map(({ slug, name }) => [slug, name]), [["acme", "acme"]]);
  await refused(operator.listWorkspaces({ pageSize: -1 }), Code.InvalidArgument, /^page_size/);
});

Deno.test("a call without a workspace acts in the key's own, and the service token must name one", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const admin = api.client(AdminService, own.rootKey);
  const list = (client: typeof admin, workspaceId: string) => () => client.listRegistries({ workspaceId });
  for (const workspaceId of ["", own.workspaceId]) await list(admin, workspaceId)();
  for (const workspaceId of ["globex", other.workspaceId]) await list(operator, workspaceId)();
  await eachRefused(t, [
    ["another workspace's id", list(admin, other.workspaceId), Code.NotFound, /^Workspace .* was not found/],
    ["the service token alone", list(operator, ""), Code.InvalidArgument, /^workspace_id is required/],
    ["an unknown slug", list(operator, "nobody"), Code.NotFound, /^Workspace "nobody" was not found/],
    ["an unknown id", list(operator, "ws_missing"), Code.NotFound, /^Workspace "ws_missing" was not found/],
  ]);
});

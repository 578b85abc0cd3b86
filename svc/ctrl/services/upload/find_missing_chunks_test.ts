import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { joinDigests } from "../../../../pkg/content/mod.ts";
import { eachRefused, startApi } from "../testing.ts";
import { chunksOf, sendChunks, treeOf, uploadClient } from "./testing.ts";

const DAY_MS = 24 * 3_600_000;

Deno.test("findMissingChunks() names the positions of what is not stored", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const [first, second] = [treeOf({ "a.txt": "a" }), treeOf({ "b.txt": "b" })];
  await sendChunks(client, projectId, first);
  const digests = joinDigests([...chunksOf(second), ...chunksOf(first), ...chunksOf(second)]);
  assert.deepEqual((await client.findMissingChunks({ projectId, digests })).missing, [0, 1, 4, 5]);
  const none = await client.findMissingChunks({ projectId, digests: new Uint8Array(0) });
  assert.deepEqual(none.missing, []);
});

Deno.test("findMissingChunks() keeps the packs that it answers with", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf({ "a.txt": "a" });
  await sendChunks(client, projectId, tree);
  const usedAt = async (): Promise<number> =>
    (await api.db.kysely.selectFrom("packs").select("last_used_at").executeTakeFirst())?.last_used_at ?? 0;
  const old = Date.now() - 6 * DAY_MS;
  await api.db.kysely.updateTable("packs").set({ last_used_at: old }).execute();
  await client.findMissingChunks({ projectId, digests: joinDigests(chunksOf(tree)) });
  assert.ok(await usedAt() > old + DAY_MS, "the pack was used again");
});

Deno.test("findMissingChunks() counts the chunks of a pack that goes as missing", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf({ "a.txt": "a" });
  await sendChunks(client, projectId, tree);
  await api.db.kysely.updateTable("packs").set({ state: "removing" }).execute();
  const digests = joinDigests(chunksOf(tree));
  assert.deepEqual((await client.findMissingChunks({ projectId, digests })).missing, [0, 1]);
});

Deno.test("findMissingChunks() refuses what it cannot look for", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = uploadClient(api, own);
  const { projectId } = own;
  const find = (digests: Uint8Array, project = projectId) => () =>
    client.findMissingChunks({ projectId: project, digests });
  await eachRefused(t, [
    ["half a digest", find(new Uint8Array(31)), Code.InvalidArgument, /^digests must be/],
    [
      "too many digests",
      find(new Uint8Array(32 * 10_001)),
      Code.InvalidArgument,
      /^digests must have at most 10000/,
    ],
    ["another workspace's project", find(new Uint8Array(32), other.projectId), Code.NotFound, /project/],
    ["no project", find(new Uint8Array(32), ""), Code.InvalidArgument, /project_id/],
  ]);
});

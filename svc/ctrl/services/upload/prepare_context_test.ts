import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { eachRefused, startApi } from "../testing.ts";
import { sendTree, treeOf, uploadClient } from "./testing.ts";

const FILES = { "a.txt": "a", "b.txt": "b" };
const HOUR_MS = 3_600_000;

Deno.test("prepareContext() finds a stored context, and keeps it for another day", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  const path = await sendTree(client, projectId, tree);
  const old = Date.now() - 20 * HOUR_MS;
  await api.db.kysely.updateTable("contexts").set({ last_used_at: old }).execute();
  assert.equal((await client.prepareContext({ projectId, root: tree.root })).buildContextPath, path);
  const [row] = await api.db.kysely.selectFrom("contexts").select("last_used_at").execute();
  assert.ok((row?.last_used_at ?? 0) > old + HOUR_MS, "the context was used again");
});

Deno.test("prepareContext() finds no context of other times, of another project or workspace", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const tree = treeOf(FILES);
  await sendTree(uploadClient(api, own), own.projectId, tree);
  await t.step("another workspace", async () => {
    const found = await uploadClient(api, other).prepareContext({
      projectId: other.projectId,
      root: tree.root,
    });
    assert.equal(found.buildContextPath, "");
  });
  await t.step("one file more", async () => {
    const { root } = treeOf({ ...FILES, "c.txt": "c" });
    const found = await uploadClient(api, own).prepareContext({ projectId: own.projectId, root });
    assert.equal(found.buildContextPath, "");
  });
  await t.step("the same content in a manifest of other times", async () => {
    const root = { ...tree.root, manifestDigests: tree.root.manifestDigests.map((byte) => byte ^ 1) };
    const found = await uploadClient(api, own).prepareContext({ projectId: own.projectId, root });
    assert.equal(found.buildContextPath, "");
  });
});

Deno.test("prepareContext() tells the limits before anything is sent", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { root } = treeOf(FILES);
  const { limits } = await uploadClient(api, tenant).prepareContext({ projectId: tenant.projectId, root });
  assert.deepEqual([limits?.contentBytesMax, limits?.filesMax], [20n << 20n, 1_000n]);
  const alone = await uploadClient(api, tenant).prepareContext({ projectId: tenant.projectId });
  assert.deepEqual([alone.limits, alone.buildContextPath], [limits, ""]);
});

Deno.test("prepareContext() refuses what it cannot look for", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const client = uploadClient(api, own);
  const { root } = treeOf(FILES);
  const { projectId } = own;
  await eachRefused(t, [
    [
      "half a digest",
      () => client.prepareContext({ projectId, root: { ...root, manifestDigests: new Uint8Array(33) } }),
      Code.InvalidArgument,
      /^root\.manifest_digests/,
    ],
    [
      "a list of files beyond any use",
      () => {
        const chunks = 1_025;
        const manifestLengths = Array.from({ length: chunks }, () => 256 << 10);
        const long = { ...root, manifestDigests: new Uint8Array(chunks * 32), manifestLengths };
        return client.prepareContext({ projectId, root: long });
      },
      Code.OutOfRange,
      /has 257 MiB, and at most 256 MiB are allowed.*\.dockerignore/,
    ],
    [
      "the limits of another workspace's project",
      () => client.prepareContext({ projectId: other.projectId }),
      Code.NotFound,
      /project/,
    ],
    [
      "another workspace's project",
      () => client.prepareContext({ projectId: other.projectId, root }),
      Code.NotFound,
      /project/,
    ],
  ]);
});

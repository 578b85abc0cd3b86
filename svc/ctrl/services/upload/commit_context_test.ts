import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { cutManifest, type Pack, PackWriter } from "../../../../pkg/content/mod.ts";
import { fileEntry } from "../../../../pkg/content/testing.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { findDeployment } from "../../internal/store/mod.ts";
import { refused, startApi } from "../testing.ts";
import { chunksOf, rootOf, sendChunks, sendPack, sendTree, treeOf, uploadClient } from "./testing.ts";

const FILES = { "a.txt": "a", "b.txt": "b", "empty": "", "same.txt": "a" };

Deno.test("a context is uploaded once, and a changed one costs its changes", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  assert.equal((await client.prepareContext({ projectId, root: tree.root })).buildContextPath, "");
  assert.equal(await sendChunks(client, projectId, tree), 3, "a, b and the manifest");
  const { buildContextPath: path } = await client.commitContext({ projectId, root: tree.root });
  assert.match(path, /^context\/ctx_/);
  assert.equal((await client.prepareContext({ projectId, root: tree.root })).buildContextPath, path);
  assert.equal(
    (await client.commitContext({ projectId, root: tree.root })).buildContextPath,
    path,
    "repeated",
  );

  const changed = treeOf({ ...FILES, "b.txt": "B" });
  assert.equal((await client.prepareContext({ projectId, root: changed.root })).buildContextPath, "");
  assert.equal(await sendChunks(client, projectId, changed), 2, "B and the manifest");
});

Deno.test("a deployment is created from a context of its own project only", async () => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const path = await sendTree(uploadClient(api, own), own.projectId, treeOf(FILES));
  const create = ({ rootKey, projectId }: typeof own, buildContextPath = path) =>
    api.client(DeploymentService, rootKey).createDeployment({
      projectId,
      environmentSlug: "preview",
      source: { case: "buildContext", value: { buildContextPath } },
    });
  const { deploymentId } = await create(own);
  assert.equal((await findDeployment(api.db.kysely, deploymentId))?.build_context_path, path);
  await refused(create(other), Code.FailedPrecondition, /no build context/);
  await refused(create(own, "context/ctx_unknown"), Code.FailedPrecondition, /no build context/);
  const { missing } = await uploadClient(api, other).findMissingChunks({
    projectId: other.projectId,
    digests: chunksOf(treeOf(FILES))[0]?.digest ?? new Uint8Array(0),
  });
  assert.deepEqual(missing, [0], "another project has to upload its own bytes");
});

Deno.test("commitContext() refuses what no build could use", async (t) => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  await t.step(
    "a manifest that is not uploaded",
    () =>
      refused(
        client.commitContext({ projectId, root: tree.root }),
        Code.FailedPrecondition,
        /not stored as it was uploaded/,
      ),
  );
  await t.step("a file that is not uploaded", async () => {
    const manifestOnly = { ...tree, entries: [] };
    await sendChunks(client, projectId, manifestOnly);
    const commit = client.commitContext({ projectId, root: tree.root });
    await refused(commit, Code.FailedPrecondition, /ask again which chunks are missing/);
  });
  await t.step("another content id", async () => {
    await sendChunks(client, projectId, tree);
    const root = { ...tree.root, contentId: new Uint8Array(32) };
    await refused(client.commitContext({ projectId, root }), Code.InvalidArgument, /^root\.content_id/);
  });
  await t.step("too many files", async () => {
    const many = treeOf(
      Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`f${index + 1_000}`, "x"])),
    );
    await sendChunks(client, projectId, many);
    await refused(
      client.commitContext({ projectId, root: many.root }),
      Code.OutOfRange,
      /1000 are allowed/,
    );
  });
  await t.step("bytes that are no manifest", async () => {
    const junk = treeOf({ "a.txt": "a" });
    const root = {
      ...junk.root,
      manifestDigests: chunksOf(tree).at(-1)?.digest ?? new Uint8Array(0),
      manifestLengths: [1],
    };
    await refused(client.commitContext({ projectId, root }), Code.InvalidArgument, /its end is missing/);
  });
  const wrongRoots: Readonly<Record<string, Parameters<typeof client.commitContext>[0]>> = {
    "no root": { projectId },
    "half a digest": { projectId, root: { ...tree.root, manifestDigests: new Uint8Array(31) } },
    "a length too many": { projectId, root: { ...tree.root, manifestLengths: [1, 1] } },
    "a length beyond the limit": { projectId, root: { ...tree.root, manifestLengths: [1 << 30] } },
    "half a content id": { projectId, root: { ...tree.root, contentId: new Uint8Array(16) } },
  };
  for (const [name, request] of Object.entries(wrongRoots)) {
    await t.step(name, () => refused(client.commitContext(request), Code.InvalidArgument, /^root/));
  }
});

Deno.test("a chunk that its pack does not hold is forgotten, and uploaded again", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  const [manifest] = chunksOf(tree);
  assert.ok(manifest !== undefined);
  const writer = new PackWriter();
  writer.add(manifest, new TextEncoder().encode("something else"));
  const lie = writer.end();
  assert.ok(lie !== undefined);
  const chunks = lie.chunks.map((chunk) => ({ ...chunk, bytes: chunk.storedBytes, deflated: false }));
  await sendPack(client, projectId, { ...lie, chunks } satisfies Pack);
  await refused(
    client.commitContext({ projectId, root: tree.root }),
    Code.FailedPrecondition,
    /Deploy again/,
  );
  assert.match(await sendTree(client, projectId, tree), /^context\//, "the next upload mends it");
});

Deno.test("a tree that several clients commit at once becomes one context", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  await sendChunks(client, projectId, tree);
  const commits = Array.from({ length: 4 }, () => client.commitContext({ projectId, root: tree.root }));
  const paths = (await Promise.all(commits)).map(({ buildContextPath }) => buildContextPath);
  assert.equal(new Set(paths).size, 1);
});

Deno.test("a manifest with another length of a chunk is refused, and the chunk stays", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  const path = await sendTree(client, projectId, tree);
  const [file] = tree.entries;
  assert.ok(file !== undefined);
  const entries = [
    fileEntry("a.txt", "a", { size: 2, chunks: file.chunks.map((chunk) => ({ ...chunk, bytes: 2 })) }),
  ];
  const manifest = cutManifest(entries);
  const wrong = { ...treeOf({ "a.txt": "a" }), entries, manifest, root: rootOf(manifest) };
  const writer = new PackWriter();
  manifest.root.manifest.forEach((chunk, index) =>
    writer.add(chunk, manifest.chunks[index] ?? new Uint8Array(0))
  );
  const pack = writer.end();
  assert.ok(pack !== undefined);
  await sendPack(client, projectId, pack);
  await refused(
    client.commitContext({ projectId, root: wrong.root }),
    Code.InvalidArgument,
    /a chunk of 2 bytes that has 1/,
  );
  assert.equal((await client.prepareContext({ projectId, root: tree.root })).buildContextPath, path);
  assert.equal(await sendChunks(client, projectId, tree), 0, "nothing was forgotten");
});

Deno.test("a pack whose object is gone is forgotten, and uploaded again", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const tree = treeOf(FILES);
  await sendTree(client, projectId, tree);
  const packs = await api.db.kysely.selectFrom("packs").select("id").execute();
  await api.db.kysely.updateTable("packs").set({ object_key: `${projectId}/packs/gone` }).execute();
  await refused(
    client.commitContext({ projectId, root: tree.root }),
    Code.FailedPrecondition,
    /Deploy again/,
  );
  assert.equal((await client.prepareContext({ projectId, root: tree.root })).buildContextPath, "");
  assert.equal(await sendChunks(client, projectId, tree), 3);
  assert.match(await sendTree(client, projectId, tree), /^context\//);
  const states = await api.db.kysely.selectFrom("packs").select(["id", "state"]).execute();
  assert.equal(states.find(({ id }) => id === packs[0]?.id)?.state, "removing");
});

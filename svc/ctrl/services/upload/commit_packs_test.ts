import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { type Pack, PackWriter } from "../../../../pkg/content/mod.ts";
import { fileEntry } from "../../../../pkg/content/testing.ts";
import { refused, startApi } from "../testing.ts";
import { putPack, sendPack, uploadClient } from "./testing.ts";

function packOf(content: string): Pack {
  const [chunk] = fileEntry("a", content).chunks;
  const writer = new PackWriter();
  if (chunk !== undefined) writer.add(chunk, new TextEncoder().encode(content));
  const pack = writer.end();
  assert.ok(pack !== undefined);
  return pack;
}

Deno.test("commitPacks() takes packs that are uploaded, and a repetition changes nothing", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  const client = uploadClient(api, tenant);
  const pack = packOf("hello");
  const digests = pack.chunks[0]?.digest ?? new Uint8Array(0);
  const packId = await putPack(client, projectId, pack);
  assert.deepEqual(
    (await client.findMissingChunks({ projectId, digests })).missing,
    [0],
    "not committed yet",
  );
  for (let times = 0; times < 2; times++) {
    await client.commitPacks({ projectId, packs: [{ packId, chunks: [...pack.chunks] }] });
    assert.deepEqual((await client.findMissingChunks({ projectId, digests })).missing, []);
  }
  await sendPack(client, projectId, pack);
  assert.deepEqual(
    (await client.findMissingChunks({ projectId, digests })).missing,
    [],
    "a second pack with the same chunk",
  );
});

Deno.test("commitPacks() refuses packs and chunks that cannot be", async (t) => {
  await using api = await startApi();
  const [own, other] = [await api.tenant("acme"), await api.tenant("globex")];
  const { projectId } = own;
  const client = uploadClient(api, own);
  const pack = packOf("hello");
  const [chunk] = pack.chunks;
  assert.ok(chunk !== undefined);
  const sizes = { sizeBytes: BigInt(pack.bytes.length), checksumSha256: pack.checksumSha256 };
  const offered = (await client.createPacks({ projectId, packs: [sizes] })).uploads[0]?.packId ?? "";
  const foreign = await putPack(uploadClient(api, other), other.projectId, pack);
  const uploaded = await putPack(client, projectId, pack);
  const cases: Readonly<
    Record<string, readonly [packId: string, chunk: typeof chunk, code: Code, text: RegExp]>
  > = {
    "a pack that was not uploaded": [offered, chunk, Code.FailedPrecondition, /was not uploaded/],
    "another project's pack": [foreign, chunk, Code.FailedPrecondition, /no such pack/],
    "half a digest": [uploaded, { ...chunk, digest: new Uint8Array(16) }, Code.InvalidArgument, /digest/],
    "no bytes": [uploaded, { ...chunk, bytes: 0 }, Code.InvalidArgument, /bytes/],
    "too many bytes": [uploaded, { ...chunk, bytes: 1 << 30 }, Code.InvalidArgument, /bytes/],
    "a place beyond the end": [uploaded, { ...chunk, offset: 1 }, Code.InvalidArgument, /within the pack/],
    "another stored size": [
      uploaded,
      { ...chunk, bytes: chunk.bytes + 1, deflated: false },
      Code.InvalidArgument,
      /size/,
    ],
  };
  for (const [name, [packId, wrong, code, text]] of Object.entries(cases)) {
    await t.step(
      name,
      () => refused(client.commitPacks({ projectId, packs: [{ packId, chunks: [wrong] }] }), code, text),
    );
  }
  await t.step("chunks that share bytes", () => {
    const packs = [{ packId: uploaded, chunks: [chunk, { ...chunk, digest: new Uint8Array(32) }] }];
    return refused(client.commitPacks({ projectId, packs }), Code.InvalidArgument, /behind the chunk before/);
  });
  await t.step(
    "no packs",
    () => refused(client.commitPacks({ projectId, packs: [] }), Code.InvalidArgument, /^packs/),
  );
});

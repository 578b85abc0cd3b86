import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { ChunkReference } from "../../../../pkg/content/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { eventually } from "../../../../pkg/testkit/eventually.ts";
import { createPacks, type CtrlDatabase, findChunks, storePack } from "../store/mod.ts";
import { openTestDatabase } from "../store/testing.ts";
import { type Seed, seedProject } from "../store/testing.ts";
import { newPack } from "../store/testing_content.ts";
import { ChunkReader, readChunks } from "./read_chunks.ts";

const KIB = 1024;
const PACK_BYTES = 1024 * KIB;

interface Bed {
  readonly db: CtrlDatabase;
  readonly seed: Seed;
  /** Requests that were answered: the range, and the bytes of the answer. */
  readonly answers: { readonly range: string; readonly bytes: number }[];
  /** False: the store answers with whole objects. */
  ranges: boolean;
  readonly source: Parameters<typeof readChunks>[0];
  /** Stores a pack with chunks of these texts, each at its offset. */
  store(chunks: Readonly<Record<number, string>>): Promise<readonly ChunkReference[]>;
}

async function onBed(test: (bed: Bed) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const db = await openTestDatabase();
  stack.defer(() => db.close());
  const seed = await seedProject(db);
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const answers: { range: string; bytes: number }[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    const object = objects.get(new URL(request.url).pathname.slice(1)) ?? new Uint8Array(0);
    const range = bed.ranges ? request.headers.get("range") ?? "" : "";
    const [, start, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    if (Number(start) >= object.length) return new Response(null, { status: 416 });
    const body = start === undefined ? object : object.slice(Number(start), Number(last) + 1);
    answers.push({ range, bytes: body.length });
    return new Response(body, { status: start === undefined ? 200 : 206 });
  });
  stack.defer(() => server.shutdown());
  const presignGet = (key: string): Promise<string> =>
    Promise.resolve(`http://127.0.0.1:${server.addr.port}/${key}`);
  const bed: Bed = {
    db,
    seed,
    answers,
    ranges: true,
    source: { db, objects: { presignGet } },
    async store(chunks) {
      const pack = newPack(seed, { size_bytes: PACK_BYTES });
      const object = new Uint8Array(PACK_BYTES);
      const placed = Object.entries(chunks).map(([offset, text]) => {
        const plain = new TextEncoder().encode(text);
        object.set(plain, Number(offset));
        const digest = new Uint8Array(createHash("sha256").update(plain).digest());
        return { offset: Number(offset), digest, bytes: plain.length };
      });
      objects.set(pack.object_key, object);
      await createPacks(db.kysely, [pack]);
      const rows = placed.map(({ offset, digest, bytes }) => ({
        project_id: seed.projectId,
        digest: digest.toBase64({ alphabet: "base64url", omitPadding: true }),
        pack_id: pack.id,
        pack_offset: offset,
        stored_bytes: bytes,
        bytes,
        deflated: 0,
      }));
      await transact(db, (tx) => storePack(tx, pack.id, rows, 1));
      return placed.map(({ digest, bytes }) => ({ digest, bytes }));
    },
  };
  await test(bed);
}

async function textOf({ source, seed }: Bed, chunks: readonly ChunkReference[]): Promise<string> {
  let text = "";
  for await (const piece of readChunks(source, seed.projectId, chunks)) {
    text += new TextDecoder().decode(piece);
  }
  return text;
}

/** A project that was deployed a hundred times has its manifest in a hundred packs: 900 MiB for a file of one MiB. */
Deno.test("readChunks() fetches the bytes of its chunks from as many packs as there are, and no whole pack", () =>
  onBed(async (bed) => {
    const chunks: ChunkReference[] = [];
    let want = "";
    for (let pack = 0; pack < 12; pack++) {
      const texts = { [pack * KIB]: `pack ${pack};`, [900 * KIB]: `end of ${pack};` };
      chunks.push(...await bed.store(texts));
      want += Object.values(texts).join("");
    }
    assert.equal(await textOf(bed, chunks), want);
    assert.equal(bed.answers.length, 24);
    assert.equal(bed.answers.reduce((sum, { bytes }) => sum + bytes, 0), want.length);
  }));

Deno.test("readChunks() fetches neighbours with one request", () =>
  onBed(async (bed) => {
    const chunks = await bed.store({ 0: "one,", [2 * KIB]: "two,", [40 * KIB]: "three" });
    assert.equal(await textOf(bed, [...chunks, ...chunks]), "one,two,threeone,two,three");
    assert.deepEqual(bed.answers, [{ range: `bytes=0-${40 * KIB + 4}`, bytes: 40 * KIB + 5 }]);
  }));

Deno.test("readChunks() reads from a store that answers with whole objects", () =>
  onBed(async (bed) => {
    bed.ranges = false;
    const chunks = await bed.store({ [KIB]: "one,", [500 * KIB]: "two" });
    assert.equal(await textOf(bed, chunks), "one,two");
    assert.deepEqual(bed.answers.map(({ bytes }) => bytes), [PACK_BYTES, PACK_BYTES]);
  }));

Deno.test("readChunks() forgets a chunk that lies behind the end of its pack", () =>
  onBed(async (bed) => {
    const [chunk] = await bed.store({ 0: "one" });
    assert.ok(chunk !== undefined);
    await bed.db.kysely.updateTable("chunks").set({ pack_offset: 2 * PACK_BYTES }).execute();
    await assert.rejects(textOf(bed, [chunk]), (error) => isFault(error, "failed_precondition"));
    const digest = chunk.digest.toBase64({ alphabet: "base64url", omitPadding: true });
    assert.deepEqual(await findChunks(bed.db.kysely, bed.seed.projectId, [digest]), []);
  }));

Deno.test("ChunkReader fetches a pack as a whole, once, for a builder that asks for files in any order", () =>
  onBed(async (bed) => {
    const chunks = await bed.store({ 0: "one,", [900 * KIB]: "two" });
    const reader = await ChunkReader.open(bed.source, bed.seed.projectId, chunks);
    for (const chunk of [...chunks, ...chunks]) await reader.read(chunk);
    assert.deepEqual(bed.answers, [{ range: "", bytes: PACK_BYTES }]);
  }));

Deno.test("ChunkReader fetches a chunk once that was prepared, and leaves its failure to the read", () =>
  onBed(async (bed) => {
    const [first, second] = [
      ...await bed.store({ 0: "one," }),
      ...await bed.store({ [10 * KIB]: "two" }),
    ];
    assert.ok(first !== undefined && second !== undefined);
    const { signal } = new AbortController();
    const reader = await ChunkReader.open(bed.source, bed.seed.projectId, [first, second], "these chunks");
    reader.prepare(second, signal);
    await eventually("the piece", () => bed.answers.length === 1);
    assert.equal(new TextDecoder().decode(await reader.read(second)), "two");
    assert.equal(bed.answers.length, 1);
    await bed.db.kysely.updateTable("chunks").set({ pack_offset: 2 * PACK_BYTES }).execute();
    const broken = await ChunkReader.open(bed.source, bed.seed.projectId, [first], "these chunks");
    broken.prepare(first, signal);
    broken.prepare(second, signal);
    await assert.rejects(broken.read(first), (error) => isFault(error, "failed_precondition"));
  }));

import assert from "node:assert/strict";
import { isFault } from "../../fault/mod.ts";
import { openArchive } from "./archive.ts";
import { described, gzipped, type Header, joined, paxEntry, Scratch, tarOf } from "./testing.ts";

const FILE: Header = { name: "a.txt", content: "a" };
const NEGATIVE = Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254]);

Deno.test("openArchive() reads the headers of any writer", async (t) => {
  const long = "folder/".repeat(20) + "name";
  const table: readonly (readonly [string, Uint8Array<ArrayBuffer>, readonly string[]])[] = [
    ["a file", tarOf(FILE), ["file 644 a.txt = a"]],
    ["special bits", tarOf({ ...FILE, mode: 0o6755 }), ["file 6755 a.txt = a"]],
    ["a folder by its type", tarOf({ name: "d/", type: "5", mode: 0o700 }), ["folder 700 d"]],
    ["a folder by its slash", tarOf({ name: "d/", mode: 0o700 }), ["folder 700 d"]],
    ["a pipe", tarOf({ name: "p", type: "6" }), ["pipe 644 p"]],
    ["the root", tarOf({ name: "./", type: "5" }, { ...FILE, name: "./a.txt" }), ["file 644 a.txt = a"]],
    ["an absolute name", tarOf({ ...FILE, name: "/a.txt" }), ["file 644 a.txt = a"]],
    ["repeated slashes", tarOf({ ...FILE, name: ".//d/./a.txt" }), ["folder 755 d", "file 644 d/a.txt = a"]],
    ["a byte order mark in a name", tarOf({ ...FILE, name: "\ufeffa" }), ["file 644 \ufeffa = a"]],
    ["a link", tarOf({ name: "l", type: "2", target: "../x" }), ["link 644 l -> ../x"]],
    ["a link to a byte order mark", tarOf({ name: "l", type: "2", target: "\ufeff" }), [
      "link 644 l -> \ufeff",
    ]],
    [
      "a pax path and target",
      tarOf(paxEntry({ path: "ä", linkpath: "ö", comment: "" }), { name: "x", type: "2", target: "y" }),
      ["link 644 ä -> ö"],
    ],
    ["an empty pax value", tarOf(paxEntry({ path: "", mtime: "" }), FILE), ["file 644 a.txt = a"]],
    ["pax attributes of the archive", tarOf(paxEntry({ comment: "c" }, "g"), FILE), ["file 644 a.txt = a"]],
    [
      "a pax size before a GNU long name",
      tarOf(
        paxEntry({ size: "1" }),
        { name: "././@LongLink", type: "L", content: `${long}\0` },
        { ...FILE, size: 0 },
      ),
      [...parents(long), `file 644 ${long} = a`],
    ],
    ["the last one of a name", tarOf(FILE, { ...FILE, content: "b" }), ["file 644 a.txt = b"]],
    [
      "a hard link",
      tarOf(FILE, { name: "b", type: "1", target: "./a.txt" }),
      ["file 644 a.txt = a", "hard_link 644 b -> a.txt"],
    ],
    [
      "a hard link to a hard link",
      tarOf(FILE, { name: "b", type: "1", target: "a.txt" }, { name: "c", type: "1", target: "b" }),
      ["file 644 a.txt = a", "hard_link 644 b -> a.txt", "hard_link 644 c -> a.txt"],
    ],
    [
      "a hard link to a link",
      tarOf({ name: "l", type: "2", target: "x" }, { name: "m", type: "1", target: "l" }),
      ["link 644 l -> x", "link 644 m -> x"],
    ],
    ["an empty archive", tarOf(), []],
    ["one empty block at the end", tarOf(FILE).slice(0, -512), ["file 644 a.txt = a"]],
    ["bytes behind the end", joined([tarOf(FILE), new Uint8Array(700).fill(7)]), ["file 644 a.txt = a"]],
  ];
  for (const [name, bytes, lines] of table) {
    await t.step(name, async () => {
      await using scratch = await Scratch.make();
      for (
        const [written, chunk] of [[bytes, 64 * 1024], [await gzipped(bytes), 64 * 1024], [bytes, 1]] as const
      ) {
        await using archive = await scratch.open(written, { chunk });
        assert.deepEqual(await described(archive), lines);
      }
    });
  }
});

function parents(path: string): readonly string[] {
  return path.split("/").slice(0, -1).map((_part, at, all) => `folder 755 ${all.slice(0, at + 1).join("/")}`);
}

Deno.test("openArchive() keeps times of any precision, also before 1970", async (t) => {
  const table: readonly (readonly [string, Uint8Array, bigint])[] = [
    ["octal", tarOf({ ...FILE, mtime: 5 }), 5_000_000_000n],
    ["GNU, before 1970", tarOf({ ...FILE, mtime: NEGATIVE }), -2_000_000_000n],
    ["pax with nanoseconds", tarOf(paxEntry({ mtime: "5.000000001" }), FILE), 5_000_000_001n],
    ["pax with more digits", tarOf(paxEntry({ mtime: "5.1234567899" }), FILE), 5_123_456_789n],
    ["pax, before 1970", tarOf(paxEntry({ mtime: "-1.5" }), FILE), -1_500_000_000n],
    [
      "pax for one entry only",
      tarOf(paxEntry({ mtime: "9" }), { name: "b" }, { ...FILE, mtime: 5 }),
      5_000_000_000n,
    ],
  ];
  for (const [name, bytes, modifiedAtNs] of table) {
    await t.step(name, async () => {
      await using scratch = await Scratch.make();
      await using archive = await scratch.open(bytes);
      assert.equal(archive.entries.find(({ path }) => path === "a.txt")?.modifiedAtNs, modifiedAtNs);
    });
  }
});

Deno.test("openArchive() refuses bytes that no context can be made of, and says why", async (t) => {
  const damaged = tarOf(FILE, { name: "b" });
  damaged[1024] = 0x63;
  const table: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["nothing", new Uint8Array(0), /it is empty/],
    ["a text", new TextEncoder().encode("FROM scratch"), /not a tar archive/],
    ["a long text", new TextEncoder().encode("FROM scratch\n".repeat(100)), /not a tar archive/],
    ["a damaged sum", damaged, /it is damaged/],
    [
      "a damaged number",
      tarOf({ ...FILE, mtime: new TextEncoder().encode("12x") }),
      /a number in it is damaged/,
    ],
    ["..", tarOf({ ...FILE, name: "../a" }), /"\.\.\/a" leads out of the context/],
    [".. inside", tarOf({ ...FILE, name: "a/../../b" }), /leads out of the context/],
    [".. that stays", tarOf({ ...FILE, name: "a/../b" }), /leads out of the context/],
    ["NUL in a path", tarOf(paxEntry({ path: "a\0b" }), FILE), /zero byte/],
    ["NUL in a target", tarOf(paxEntry({ linkpath: "a\0b" }), { name: "l", type: "2" }), /zero byte/],
    ["a link to nothing", tarOf({ name: "l", type: "2" }), /"l" is a link to nowhere/],
    ["a long path", tarOf(paxEntry({ path: "/a".repeat(2048) }), FILE), /longer than 4095 bytes/],
    [
      "a long target",
      tarOf(paxEntry({ linkpath: "ä".repeat(2048) }), { name: "l", type: "2" }),
      /longer than 4095/,
    ],
    ["a name that is not UTF-8", tarOf({ ...FILE, name: Uint8Array.from([0x61, 0xff]) }), /is not UTF-8/],
    ["a device", tarOf({ name: "null", type: "3" }), /"null" is a device/],
    ["a sparse file", tarOf({ name: "s", type: "S" }), /sparse/],
    ["a sparse file of pax", tarOf(paxEntry({ "GNU.sparse.major": "1" }), FILE), /sparse/],
    ["an unknown kind", tarOf({ name: "x", type: "V" }), /"x" is of a kind that is not known \("V"\)/],
    ["a file below a file", tarOf(FILE, { name: "a.txt/b" }), /"a.txt" is a file, and holds "a.txt\/b"/],
    ["a file below a link", tarOf({ name: "l", type: "2", target: "." }, { name: "l/b" }), /"l" is a link/],
    ["a file above", tarOf({ name: "a.txt/b" }, FILE), /"a.txt" is a file/],
    ["a hard link to nothing", tarOf({ name: "h", type: "1", target: "no" }), /hard link to "no"/],
    [
      "a hard link to a folder",
      tarOf({ name: "d", type: "5" }, { name: "h", type: "1", target: "d" }),
      /hard link/,
    ],
    ["a hard link to itself", tarOf({ name: "h", type: "1", target: "h" }), /hard link to "h"/],
    ["a hard link outside", tarOf({ name: "h", type: "1", target: "../h" }), /leads out/],
    [
      "damaged attributes",
      tarOf({ name: "p", type: "x", content: "99 path=a\n" }, FILE),
      /attributes are damaged/,
    ],
    [
      "attributes without a length",
      tarOf({ name: "p", type: "x", content: "path=a\n" }, FILE),
      /are damaged/,
    ],
    ["a size that is none", tarOf(paxEntry({ size: "-1" }), FILE), /a size in it is not a number/],
    ["a time that is none", tarOf(paxEntry({ mtime: "now" }), FILE), /"now" in it is not a time/],
    ["a name of 2 MB", tarOf({ name: "L", type: "L", size: 2_000_000 }), /too long/],
  ];
  for (const [name, bytes, why] of table) {
    await t.step(name, async () => {
      await using scratch = await Scratch.make();
      await assert.rejects(scratch.open(bytes), (error) => {
        assert.ok(isFault(error, "invalid_argument"), String(error));
        assert.match(error.publicMessage ?? "", why);
        return true;
      });
    });
  }
});

/** Files that are missing without a word are worse than an error. */
Deno.test("openArchive() refuses an archive that is cut off, wherever it is", async () => {
  const whole = tarOf(
    { name: "d", type: "5" },
    FILE,
    paxEntry({ path: "long" }),
    { name: "b", content: "b".repeat(1000) },
    { name: "l", type: "2", target: "a.txt" },
  );
  const zipped = await gzipped(whole);
  await using scratch = await Scratch.make();
  const refused = (bytes: Uint8Array, at: number): Promise<void> =>
    assert.rejects(scratch.open(bytes), (error) => isFault(error, "invalid_argument"), `at ${at}`);
  for (let at = 0; at <= whole.length - 1024; at += 512) {
    await refused(whole.slice(0, at), at);
    await refused(whole.slice(0, at + 1), at + 1);
    await refused(await gzipped(whole.slice(0, at)), at);
  }
  for (let at = 0; at < zipped.length; at++) await refused(zipped.slice(0, at), at);
});

Deno.test("openArchive() refuses damaged compression at each byte, or reads the same files", async () => {
  const zipped = await gzipped(tarOf({ name: "a", content: crypto.randomUUID().repeat(8) }, { name: "b" }));
  await using scratch = await Scratch.make();
  await using intact = await scratch.open(zipped);
  const lines = await described(intact);
  for (let at = 0; at < zipped.length; at++) {
    const damaged = zipped.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    try {
      await using archive = await scratch.open(damaged);
      // Time, flags and system of the head do not concern the content.
      assert.ok(at < 10, `byte ${at}`);
      assert.deepEqual(await described(archive), lines);
    } catch (error) {
      assert.ok(isFault(error, "invalid_argument"), `byte ${at}: ${error}`);
    }
  }
});

Deno.test("openArchive() reads several gzip members as one archive", async () => {
  const whole = tarOf(FILE, { name: "b", content: "b" });
  const parts = [await gzipped(whole.slice(0, 700)), await gzipped(whole.slice(700))];
  await using scratch = await Scratch.make();
  for (const chunk of [1, parts[0]?.length ?? 0, 64 * 1024]) {
    await using archive = await scratch.open(joined(parts), { chunk });
    assert.deepEqual(await described(archive), ["file 644 a.txt = a", "file 644 b = b"]);
  }
});

Deno.test("openArchive() stops at its limits", async (t) => {
  const bomb = tarOf({ name: "zeros", content: new Uint8Array(8 * 1024 * 1024) });
  const deep = Array.from({ length: 3 }, (_, at) => paxEntry({ path: `/${at}`.repeat(1000) }))
    .flatMap((pax) => [pax, FILE]);
  const table: readonly (readonly [string, Uint8Array, Parameters<Scratch["open"]>[1], RegExp])[] = [
    ["of bytes", bomb, { bytesMax: 2 * 1024 * 1024 }, /more than 2 MiB unpacked/],
    ["of compressed bytes", await gzipped(bomb), { bytesMax: 2 * 1024 * 1024 }, /more than 2 MiB unpacked/],
    [
      "of entries",
      tarOf(...["a", "b", "c"].map((name) => ({ name }))),
      { entriesMax: 2 },
      /more than 2 files/,
    ],
    ["of folders that are only implied", tarOf(...deep), { entriesMax: 1_500 }, /more than 1500 files/],
  ];
  for (const [name, bytes, options, why] of table) {
    await t.step(name, async () => {
      await using scratch = await Scratch.make();
      await assert.rejects(
        scratch.open(bytes, options),
        (error) => isFault(error, "too_large") && why.test(error.publicMessage ?? ""),
      );
    });
  }
  await t.step("of entries, which one name many times does not reach", async () => {
    await using scratch = await Scratch.make();
    await using archive = await scratch.open(tarOf(FILE, FILE, FILE), { entriesMax: 1 });
    assert.equal(archive.entries.length, 1);
  });
});

Deno.test("openArchive() ends at once when the signal aborts, also while the source stalls", async () => {
  await using scratch = await Scratch.make();
  const stop = new AbortController();
  let cancelled = false;
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(tarOf(FILE).slice(0, 600)),
    pull: () => {
      setTimeout(() => stop.abort(new Error("stopped")), 0);
      return new Promise(() => undefined);
    },
    cancel: () => void (cancelled = true),
  });
  const options = { temporaryDirectory: scratch.path, bytesMax: 1e6, entriesMax: 10, signal: stop.signal };
  await assert.rejects(openArchive(source, options), /stopped/);
  assert.ok(cancelled);
});

Deno.test("openArchive() leaves nothing behind when its source fails", async () => {
  await using scratch = await Scratch.make();
  const source = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("lost")),
  });
  const { signal } = new AbortController();
  await assert.rejects(
    openArchive(source, { temporaryDirectory: scratch.path, bytesMax: 1e6, entriesMax: 10, signal }),
    /lost/,
  );
});

/** A worker that is killed removes nothing. */
Deno.test("openArchive() has no file in the temporary directory while its context is read", async () => {
  await using scratch = await Scratch.make();
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  await using context = await scratch.open(tarOf({ name: "a", content }));
  assert.deepEqual(scratch.left(), []);
  const [entry] = context.entries;
  assert.ok(entry !== undefined);
  const pieces = await Array.fromAsync(context.read(entry, new AbortController().signal));
  assert.deepEqual(joined(pieces), content);
});

/** BuildKit takes files of the same size and time for unchanged. */
Deno.test("stampDigest differs when only the content of a file with a whole second differs", async (t) => {
  await using scratch = await Scratch.make();
  const stamp = async (...entries: readonly (Header | Uint8Array)[]): Promise<string> => {
    await using archive = await scratch.open(tarOf(...entries));
    return archive.stampDigest;
  };
  const [one, other] = [{ name: "a", content: "1" }, { name: "a", content: "2" }];
  const exact = paxEntry({ mtime: "5.000000001" });
  await t.step("whole seconds", async () => {
    assert.match(await stamp(one), /^[0-9a-f]{64}$/);
    assert.equal(await stamp(one), await stamp({ ...one, mode: 0o755, mtime: 7 }));
    assert.notEqual(await stamp(one), await stamp(other));
    assert.notEqual(await stamp(one), await stamp({ ...one, name: "b" }));
  });
  await t.step("nanoseconds", async () => {
    assert.equal(await stamp(exact, one), "");
    assert.equal(await stamp(one, exact, { name: "b", content: "1" }), await stamp(one));
  });
  await t.step("no content", async () => {
    assert.equal(await stamp({ name: "empty" }, { name: "d", type: "5" }), "");
  });
});

/** A build context of a gigabyte takes seconds, in which the worker's heartbeats must go on. */
Deno.test("stampDigest lets timers through and ends when the signal aborts", async () => {
  await using scratch = await Scratch.make();
  const stop = new AbortController();
  const bytes = tarOf({ name: "big", content: new Uint8Array(48 * 1024 * 1024) });
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await using archive = await scratch.open(bytes, { chunk: bytes.length });
    assert.notEqual(archive.stampDigest, "");
  } finally {
    clearInterval(timer);
  }
  assert.ok(ticks > 0);
  const reading = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
      setTimeout(() => stop.abort(new Error("stopped")), 0);
    },
  });
  const options = { temporaryDirectory: scratch.path, bytesMax: 1e9, entriesMax: 10, signal: stop.signal };
  await assert.rejects(openArchive(reading, options), /stopped/);
});

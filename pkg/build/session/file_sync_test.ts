import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Packet_PacketType } from "../../../proto/gen/fsutil/types/wire_pb.ts";
import type { ContextTree } from "../context/tree.ts";
import { syncMetadata, type SyncReport } from "./file_sync.ts";
import { memoryTree, SyncBed, until } from "./testing.ts";

const { signal } = new AbortController();
const CONTEXT = memoryTree({ "Dockerfile": "FROM scratch\n", "src/": "", "src/a,b": "one", "src/ä": "two" });

function bed(tree: ContextTree, reports: SyncReport[] = [], stop: AbortSignal = signal): Promise<SyncBed> {
  const folders = new Map([["context", tree]]);
  return SyncBed.start({ folders, signal: stop, onDone: (report) => reports.push(report) });
}

Deno.test("sendFolder() lists all entries in order, and sends the files that are asked for", async () => {
  const reports: SyncReport[] = [];
  await using sync = await bed(CONTEXT, reports);
  const texts = new Map<number, string>();
  const call = sync.call(
    {},
    (id, data) => texts.set(id, (texts.get(id) ?? "") + new TextDecoder().decode(data)),
  );
  await until(() => call.listed);
  assert.deepEqual(call.stats.map(({ path }) => path), ["Dockerfile", "src", "src/a,b", "src/ä"]);
  assert.deepEqual(call.stats.map(({ mode }) => mode), [0o644, (0x80000000 | 0o644) >>> 0, 0o644, 0o644]);
  call.request(3, 0);
  await until(() => call.ended.size === 2);
  call.finish();
  await until(() => call.closed);
  assert.deepEqual([...texts], [[3, "two"], [0, "FROM scratch\n"]]);
  assert.ok(call.finished);
  assert.equal(call.status, "0");
  assert.deepEqual(reports, [{ folder: "context", filesSent: 2, bytesSent: 16 }]);
});

/** A chunk of an upload has up to 4 MiB, and a message with it a few bytes more, which BuildKit refuses. */
Deno.test("sendFolder() cuts large pieces of a file into packets that BuildKit takes", async () => {
  const content = new Uint8Array((4 << 20) + 3).map((_, index) => index % 251);
  const tree: ContextTree = {
    ...memoryTree({ "large": content, "small": "s" }),
    async *read({ path }) {
      yield await Promise.resolve(path === "large" ? content : new TextEncoder().encode("s"));
    },
  };
  await using sync = await bed(tree);
  const lengths: number[] = [];
  const received = createHash("sha256");
  const call = sync.call({}, (_id, data) => {
    lengths.push(data.length);
    received.update(data);
  });
  call.request(0);
  await until(() => call.ended.size === 1);
  call.finish();
  await until(() => call.closed);
  assert.equal(received.digest("hex"), createHash("sha256").update(content).digest("hex"));
  assert.ok(Math.max(...lengths) <= 1 << 20, `a packet of ${Math.max(...lengths)} bytes`);
});

Deno.test("sendFolder() sends nothing but the list when nothing is asked for", async () => {
  await using sync = await bed(CONTEXT);
  const call = sync.call({ "dir-name": "context" });
  call.finish();
  await until(() => call.closed);
  assert.deepEqual([call.stats.length, call.finished, call.status], [4, true, "0"]);
});

Deno.test("sendFolder() follows repeated paths, with commas and beyond ASCII", async (t) => {
  const table: readonly (readonly [string, Record<string, string | string[]>, readonly string[]])[] = [
    ["one", { followpaths: "Dockerfile" }, ["Dockerfile"]],
    ["two", { followpaths: ["Dockerfile", "src/a,b"] }, ["Dockerfile", "src", "src/a,b"]],
    ["plus", { followpaths: "a+b" }, []],
    ["encoded", { followpaths: ["src%2F%C3%A4", "Dockerfile"], "followpaths-encoded": "1" }, [
      "Dockerfile",
      "src",
      "src/ä",
    ]],
  ];
  for (const [name, headers, paths] of table) {
    await t.step(name, async () => {
      await using sync = await bed(CONTEXT);
      const call = sync.call(headers);
      call.finish();
      await until(() => call.closed);
      assert.deepEqual(call.stats.map(({ path }) => path), paths);
    });
  }
});

Deno.test("syncMetadata() reads header fields as BuildKit writes them", async (t) => {
  const table: readonly (readonly [readonly (readonly [string, string])[], readonly string[]])[] = [
    [[["followpaths", "a,b"], ["followpaths", "c"]], ["a,b", "c"]],
    [[["followpaths", "a+b%20c"]], ["a+b%20c"]],
    [[["followpaths", "a+b%20c%2B"], ["followpaths-encoded", "1"]], ["a b c+"]],
    [[["followpaths-encoded", "1"]], []],
    [[["followpaths", "%C3%A4%zz%FF"], ["followpaths-encoded", "1"]], ["%C3%A4%zz%FF"]],
    [[["x", ""]], []],
  ];
  for (const [pairs, paths] of table) {
    await t.step(pairs.flat().join(" "), () => {
      const fields = pairs.map(([name, value]) => ({ name, lower: name, value }));
      assert.deepEqual(syncMetadata(fields), { folder: "context", paths });
    });
  }
});

Deno.test("sendFolder() answers a call that cannot go on with a reason, and ends it", async (t) => {
  const broken: ContextTree = {
    ...CONTEXT,
    // deno-lint-ignore require-yield -- it fails before the first piece
    async *read() {
      throw await Promise.resolve(new Error("the disk failed"));
    },
  };
  const table: readonly (readonly [
    string,
    ContextTree,
    Record<string, string>,
    (call: ReturnType<SyncBed["call"]>) => void,
    RegExp,
  ])[] = [
    [
      "a folder that the build has not",
      CONTEXT,
      { "dir-name": "other" },
      () => undefined,
      /no folder "other"/,
    ],
    ["an id behind the list", CONTEXT, {}, (call) => call.request(4), /entry 4, which is not listed/],
    ["an id that is none", CONTEXT, {}, (call) => call.request(0xffffffff), /not listed/],
    ["a folder's id", CONTEXT, {}, (call) => call.request(1), /entry 1, which is not a file/],
    [
      "more requests than files",
      CONTEXT,
      {},
      (call) => call.request(0, 0, 0, 0, 0),
      /more requests than files/,
    ],
    ["a file that cannot be read", broken, {}, (call) => call.request(0), /the disk failed/],
    [
      "a packet of the builder with a reason",
      CONTEXT,
      {},
      (call) => call.send(Packet_PacketType.PACKET_ERR, { data: new TextEncoder().encode("no space left") }),
      /the builder failed: no space left/,
    ],
    [
      "a packet that is too large",
      CONTEXT,
      {},
      (call) => call.stream.write(Uint8Array.of(0, 0, 1, 0, 1)),
      /longer than allowed/,
    ],
    [
      "a packet that is none",
      CONTEXT,
      {},
      (call) => call.stream.write(Uint8Array.from([0, 0, 0, 0, 1, 255])),
      /./,
    ],
    [
      "a compressed packet",
      CONTEXT,
      {},
      (call) => call.stream.write(Uint8Array.from([1, 0, 0, 0, 0])),
      /compresses/,
    ],
    [
      "the end of requests before the end of the call",
      CONTEXT,
      {},
      (call) => call.stream.end(),
      /ended the synchr/,
    ],
  ];
  for (const [name, tree, headers, act, reason] of table) {
    await t.step(name, async () => {
      const reports: SyncReport[] = [];
      await using sync = await bed(tree, reports);
      const call = sync.call(headers);
      act(call);
      await until(() => call.closed);
      assert.match(call.errors.join(), reason);
      assert.equal(call.status, "13");
      assert.deepEqual(reports, []);
    });
  }
});

const LARGE = memoryTree({
  "large": crypto.getRandomValues(new Uint8Array(65_536)),
  "huge": new Uint8Array(20_000_000),
});

/** HTTP/2's windows are 64 KiB at first. */
Deno.test("sendFolder() sends files that are larger than all windows", async () => {
  await using sync = await bed(LARGE);
  const call = sync.call({});
  call.request(1, 0);
  await until(() => call.ended.size === 2);
  call.finish();
  await until(() => call.closed);
  assert.deepEqual([call.received.get(0), call.received.get(1), call.status], [65_536, 20_000_000, "0"]);
});

Deno.test("sendFolder() reads no further than a slow builder takes", async () => {
  let read = 0;
  const tree: ContextTree = {
    ...LARGE,
    async *read(entry, stop) {
      for await (const piece of LARGE.read(entry, stop)) {
        read += piece.length;
        yield piece;
      }
    },
  };
  await using sync = await bed(tree);
  const call = sync.call({});
  await until(() => call.listed);
  call.stream.pause();
  call.request(1);
  await until(() => read > 0);
  let before = -1;
  while (before !== read) {
    before = read;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.ok(read < 4_000_000, `${read} bytes were read ahead`);
  call.stream.resume();
  await until(() => call.ended.has(1));
  call.finish();
  await until(() => call.closed);
  assert.equal(read, 20_000_000);
});

Deno.test("sendFolder() ends when the build is stopped, wherever it is", async (t) => {
  for (const moment of ["before", "waiting", "sending"] as const) {
    await t.step(moment, async () => {
      const stop = new AbortController();
      if (moment === "before") stop.abort();
      await using sync = await bed(LARGE, [], stop.signal);
      const call = sync.call({});
      if (moment !== "before") await until(() => call.listed);
      if (moment === "sending") {
        call.request(1);
        await until(() => (call.received.get(1) ?? 0) > 0);
        call.stream.pause();
      }
      stop.abort();
      if (moment === "sending") call.stream.resume();
      await until(() => sync.open === 0);
      await until(() => call.closed);
      assert.match(call.errors.join(), /stopped|aborted/);
    });
  }
});

/** An unhandled rejection would end the worker with all its builds. */
Deno.test("sendFolder() ends when the builder goes away, wherever it is", async (t) => {
  for (const moment of ["at once", "waiting", "sending", "blocked"] as const) {
    for (const way of ["reset", "drop"] as const) {
      await t.step(`${moment}, ${way}`, async () => {
        await using sync = await bed(LARGE);
        const call = sync.call({});
        if (moment !== "at once") await until(() => call.listed);
        if (moment === "sending" || moment === "blocked") {
          call.request(1);
          await until(() => (call.received.get(1) ?? 0) > 0);
        }
        if (moment === "blocked") call.stream.pause();
        if (way === "reset") call.stream.destroy();
        else sync.drop();
        await until(() => sync.open === 0);
      });
    }
  }
});

import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createFileObjectStore, type FileObjectStore } from "../../pkg/objectstore/mod.ts";
import { killChild } from "../../pkg/testkit/commands.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { CASES, lateClock, send, sendLarge, type Subject } from "./objectstore_suite.ts";

const SIZE_MAX_BYTES = 64 * 1024 * 1024;

async function onFiles(test: (subject: Subject) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
  let store: FileObjectStore | undefined;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => await store?.handler(request) ?? new Response(null, { status: 500 }),
  );
  try {
    const clock = systemClock();
    const options = {
      directory,
      baseUrl: `http://127.0.0.1:${server.addr.port}`,
      signingKey: new Secret("a key for tests"),
      sizeMaxBytes: SIZE_MAX_BYTES,
      bytesFreeMin: 0,
      clock,
    };
    store = createFileObjectStore(options);
    await test({ store, late: createFileObjectStore({ ...options, clock: lateClock(clock) }) });
  } finally {
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
}

for (const [name, test] of Object.entries(CASES)) {
  Deno.test(`file store: ${name}`, () => onFiles(test));
}

const LARGE_BYTES = 256 * 1024 * 1024;
/** The runtime itself takes about half of it. */
const RESIDENT_KIB_MAX = 200 * 1024;

/** Contexts of many users at once must not add up in memory. */
Deno.test({
  name: "file store: an object of 256 MB passes through a process that stays below 200 MB",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "unkey-objects-" });
    const port = freePort();
    const script = new URL("objectstore_server.ts", import.meta.url).pathname;
    const server = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script, directory, String(port)],
      stdin: "null",
    }).spawn();
    try {
      const baseUrl = `http://127.0.0.1:${port}`;
      await eventually("the server to listen", () => send("GET", baseUrl).then(() => true, () => false));
      const signingKey = new Secret("a key for tests");
      const limits = { sizeMaxBytes: LARGE_BYTES, bytesFreeMin: 0 };
      await sendLarge(
        createFileObjectStore({ directory, baseUrl, signingKey, ...limits, clock: systemClock() }),
        LARGE_BYTES,
      );
      const status = await Deno.readTextFile(`/proc/${server.pid}/status`);
      const peakKib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
      assert.ok(peakKib < RESIDENT_KIB_MAX, `peak of ${peakKib} KiB`);
    } finally {
      await killChild(server);
      await Deno.remove(directory, { recursive: true });
    }
  },
});

import assert from "node:assert/strict";
import type { Builder, BuildRequest } from "../../../../pkg/build/mod.ts";
import { type Clock, systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { guardDisk } from "./disk_guard.ts";

const MIB = 1024 * 1024;

function request(signal = new AbortController().signal): BuildRequest {
  return {
    context: { entries: [], read: async function* () {} },
    dockerfile: { path: "Dockerfile", content: new Uint8Array() },
    image: "r.example/ws/p:d",
    labels: {},
    options: { arguments: {}, noCache: false, pull: false },
    secrets: () => Promise.resolve(undefined),
    credentials: () => Promise.resolve(undefined),
    projectId: "p",
    contextKey: "p",
    cacheNamespace: "ws",
    signal,
    onEvent: () => undefined,
  };
}

/** A disk whose free space is what the test says, and a clock whose sleeps end at once. */
function bed(free: readonly (number | undefined)[], builder: Builder["build"] = untilStopped) {
  const looks = [...free];
  const pruned: number[] = [];
  const clock: Clock = { ...systemClock(), sleep: (_ms, signal) => systemClock().sleep(1, signal) };
  const guarded = guardDisk({ build: builder }, {
    bytesFree: () => Promise.resolve(looks.length > 1 ? looks.shift() : looks[0]),
    bytesMin: 100 * MIB,
    prune: () => Promise.resolve(void pruned.push(1)),
    clock,
    log: silentLogger(),
  });
  return { guarded, pruned };
}

const untilStopped: Builder["build"] = ({ signal }) =>
  new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
const done: Builder["build"] = ({ image }) => Promise.resolve({ kind: "built", image });

Deno.test("a build is stopped when the builder's disk runs full, and its user reads why", async () => {
  const { guarded } = bed([500 * MIB, 300 * MIB, 60 * MIB]);
  const outcome = await guarded.build(request());
  assert.ok(outcome.kind === "failed");
  assert.match(outcome.message, /had only 60 MiB left, of which 100 MiB stay free/);
});

Deno.test("the cache is pruned before a build that finds too little room", async () => {
  const { guarded, pruned } = bed([60 * MIB, 300 * MIB], done);
  assert.equal((await guarded.build(request())).kind, "built");
  assert.equal(pruned.length, 1);
});

Deno.test("no build begins on a disk that stays full", async () => {
  const { guarded } = bed([60 * MIB], () => assert.fail("nothing may be built"));
  const outcome = await guarded.build(request());
  assert.ok(outcome.kind === "failed");
  assert.equal(outcome.code, "builder_full");
  assert.match(outcome.message, /60 MiB are free, and 100 MiB are needed/);
});

Deno.test("a builder whose disk cannot be seen builds as before", async () => {
  const { guarded, pruned } = bed([undefined], done);
  assert.equal((await guarded.build(request())).kind, "built");
  assert.equal(pruned.length, 0);
});

Deno.test("a stopped build rejects with the reason of its caller", async () => {
  const stop = new AbortController();
  const { guarded } = bed([500 * MIB]);
  const building = guarded.build(request(stop.signal));
  stop.abort(new Error("stopped by the caller"));
  await assert.rejects(building, /stopped by the caller/);
});

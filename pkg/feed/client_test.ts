import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { FeedClient } from "./client.ts";
import type { FeedChange, FeedMessage } from "./types.ts";

type Message = FeedMessage<string>;

const set = (resource: string, version: number, state = "new"): FeedChange<string> => ({
  kind: "change",
  version,
  resource,
  removes: false,
  change: state,
});
const snapshotEnd = (version: number, resources: number): Message => ({
  kind: "snapshot_end",
  version,
  resources,
});
const heartbeat = (version: number): Message => ({ kind: "heartbeat", version });
const unknown = (version: number): Message => ({ kind: "unknown", version });
const lost = new Fault("unavailable", "lost");
const DEADLINE_MS = 60_000;

interface Run {
  readonly client: FeedClient<Message, string>;
  readonly state: Map<string, string>;
  /** The cursors with which streams were opened. */
  readonly opened: number[];
  readonly signals: AbortSignal[];
  /** Of changes that are not applied yet. */
  readonly open: (() => void)[];
  readonly warnings: string[];
  caughtUp: number;
}

/** Runs a client over prepared streams; the last one stays open. */
async function run(
  streams: readonly (readonly (Message | Error)[])[],
  test: (run: Run) => Promise<void> | void,
  options: { readonly cursor?: number; readonly appliesLate?: boolean } = {},
): Promise<void> {
  const state = new Map<string, string>();
  const [opened, signals, open, warnings] = [[], [], [], []] as [
    number[],
    AbortSignal[],
    (() => void)[],
    string[],
  ];
  const until = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  const client = new FeedClient<Message, string>({
    name: "test",
    async *open(cursor, signal) {
      const index = opened.push(cursor) - 1;
      signals.push(signal);
      for (const item of streams[index] ?? []) {
        if (item instanceof Error) throw item;
        yield item;
      }
      if (index >= streams.length - 1) await until(signal);
    },
    decode: (message) => message,
    consumer: {
      apply({ change, removes, resource }, done) {
        if (removes) state.delete(resource);
        else state.set(resource, change);
        if (options.appliesLate === true) open.push(done);
        else done();
      },
      reportProblem: () => undefined,
      removals: (kept) =>
        [...state.keys()].filter((each) => !kept.has(each)).map((resource) => ({ resource, change: "" })),
      caughtUp: () => void result.caughtUp++,
    },
    times: { heartbeatTimeoutMs: DEADLINE_MS, retryFirstMs: 1, retryMsMax: 1 },
    clock: systemClock(),
    log: createLogger({ service: "test", level: "warn", write: (line) => void warnings.push(line) }),
  });
  const result: Run = { client, state, opened, signals, open, warnings, caughtUp: 0 };
  client.resume(options.cursor ?? 0);
  const stop = new AbortController();
  const done = client.run(stop.signal);
  try {
    await test(result);
  } finally {
    stop.abort();
    await done;
  }
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

Deno.test("FeedClient without a cursor does not take a heartbeat for the end of a snapshot", async () => {
  await run(
    [[set("a", 3), heartbeat(9), lost], [set("a", 3), set("b", 7), snapshotEnd(9, 2)]],
    async (run) => {
      await eventually("the snapshot", () => run.client.cursor === 9);
      assert.deepEqual(run.opened, [0, 0]);
      assert.deepEqual([...run.state.keys()], ["a", "b"]);
    },
  );
});

/** The server skips changes that this client is not shown. */
Deno.test("FeedClient moves its cursor to the version of a heartbeat", async () => {
  await run([[set("a", 8), heartbeat(12)]], async (run) => {
    await eventually("the heartbeat", () => run.client.cursor === 12);
    assert.equal(run.caughtUp, 1);
  }, { cursor: 7 });
});

/** Otherwise an old agent would ask a newer server for its snapshot again and again. */
Deno.test("FeedClient counts a message of an unknown kind in a snapshot, and skips it", async () => {
  await run([[set("a", 3), unknown(4), snapshotEnd(5, 2), unknown(6)]], async (run) => {
    await eventually("the message after the snapshot", () => run.client.cursor === 6);
    assert.deepEqual(run.opened, [0]);
  });
});

Deno.test("FeedClient refuses a snapshot in which a repeated message hides a missing one", async () => {
  const streams = [[set("a", 1), set("b", 2), snapshotEnd(2, 2), lost], [
    set("a", 1),
    set("a", 1),
    snapshotEnd(2, 2),
  ], [heartbeat(2)]];
  await run(streams, async (run) => {
    await eventually("the third stream", () => run.opened.length === 3);
    assert.deepEqual([...run.state.keys()], ["a", "b"], "nothing is removed");
  });
});

Deno.test("FeedClient refuses the end of a snapshot in the middle of a stream", async () => {
  await run([[set("a", 1), snapshotEnd(1, 1), snapshotEnd(2, 0)], [heartbeat(2)]], async (run) => {
    await eventually("the second stream", () => run.client.cursor === 2);
    assert.deepEqual(run.opened, [0, 1]);
    assert.deepEqual([...run.state.keys()], ["a"], "nothing is removed");
  });
});

Deno.test("FeedClient applies the snapshot of a server that went back, and counts from its version", async () => {
  const streams = [[set("a", 40), set("b", 50), snapshotEnd(50, 2), lost], [
    set("a", 2, "restored"),
    snapshotEnd(7, 1),
    set("c", 8),
  ]];
  await run(streams, async (run) => {
    await eventually("the change after the snapshot", () => run.client.cursor === 8);
    assert.deepEqual(run.opened, [0, 50]);
    assert.deepEqual([...run.state], [["a", "restored"], ["c", "new"]]);
  });
});

Deno.test("FeedClient does not pass changes of a restored snapshot that are not applied", async () => {
  await run([[set("a", 2, "restored"), snapshotEnd(7, 1)]], async (run) => {
    await eventually("the snapshot", () => run.caughtUp === 1);
    assert.equal(run.client.cursor, 0);
    for (const done of run.open) done();
    assert.equal(run.client.cursor, 7);
  }, { cursor: 50, appliesLate: true });
});

/** They belong to the lost history as well, and no later change would replace them. */
Deno.test("FeedClient finds out that the server went back behind changes beyond its cursor", async () => {
  const streams = [[set("a", 60, "lost"), lost], [heartbeat(55)], [
    set("a", 5, "restored"),
    snapshotEnd(55, 1),
  ]];
  await run(streams, async (run) => {
    await eventually("the snapshot", () => run.client.cursor === 55);
    assert.deepEqual(run.opened, [50, 50, 0]);
    assert.deepEqual([...run.state], [["a", "restored"]]);
  }, { cursor: 50 });
});

Deno.test("FeedClient ends the request of a stream that it does not read to its end", async () => {
  await run([[snapshotEnd(5, 1)], [heartbeat(5)]], async (run) => {
    await eventually("the second stream", () => run.opened.length === 2);
    assert.equal(run.signals[0]?.aborted, true);
    assert.equal(run.signals[1]?.aborted, false);
  });
});

Deno.test("FeedClient warns once in an outage, and again in the next", async () => {
  await run([[heartbeat(1), lost], [lost], [lost], [heartbeat(1), lost], [heartbeat(1)]], async (run) => {
    await eventually("the last stream", () => run.opened.length === 5 && run.client.isConnected);
    assert.equal(run.warnings.length, 2);
  }, { cursor: 1 });
});

import assert from "node:assert/strict";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import type { ApiRequest, Cluster } from "../../../../../pkg/kube/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { Pod } from "./objects.ts";
import { StuckPods } from "./stuck_pods.ts";

const LONG_MS = 10_000;

function start(answer: () => readonly object[]) {
  const [clock, logs, requests] = [new ManualClock(), new Array<string>(), new Array<ApiRequest>()];
  const cluster: Cluster = {
    server: "test",
    async call(request) {
      requests.push(request);
      const items = await Promise.resolve().then(answer);
      return Response.json({ metadata: { resourceVersion: "9" }, items });
    },
    close: () => undefined,
  };
  const log = createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) });
  const stuck = new StuckPods({ cluster, clock, log });
  const stop = new AbortController();
  const bornAt = new Date(clock.now()).toISOString();
  const pod = (uid = "u", creationTimestamp = bornAt): Pod =>
    Pod.parse({
      metadata: { name: uid, namespace: "ns", uid, resourceVersion: "1", creationTimestamp },
      spec: { nodeName: "node-1", containers: [{ name: "deployment" }] },
      status: { phase: "Pending" },
    });
  const look = (each = pod()) => stuck.of(each, stop.signal);
  return { clock, logs, look, pod, requests, stop, stuck };
}

const metadata = { name: "e", uid: "e", resourceVersion: "1" };
const at = (second: number): string => new Date(Date.UTC(2026, 4, 1, 12, 0, second)).toISOString();
const warning = (message: string, times: object, reason = "FailedMount") => ({
  metadata,
  reason,
  message,
  ...times,
});

interface Case {
  readonly name: string;
  readonly events: readonly object[];
  readonly want: RegExp | undefined;
}

const CASES: readonly Case[] = [
  { name: "no events", events: [], want: undefined },
  {
    name: "the newest of those in any order",
    events: [
      warning("second", { lastTimestamp: at(2) }),
      warning("third", { lastTimestamp: at(3) }),
      warning("first", { lastTimestamp: at(1) }),
    ],
    want: /: third\./,
  },
  {
    name: "events of newer kubelets, which have another field for the time",
    events: [
      warning("old", { lastTimestamp: at(1) }),
      warning("new", { lastTimestamp: null, eventTime: at(2) }),
    ],
    want: /: new\./,
  },
  {
    name: "events without any time of their own",
    events: [
      warning("dated", { lastTimestamp: at(1) }),
      warning("made later", { metadata: { ...metadata, creationTimestamp: at(5) } }),
    ],
    want: /: made later\./,
  },
  {
    name: "a newer event of another kind does not hide it",
    events: [
      warning("the cause", { lastTimestamp: at(1) }),
      warning("0/1 nodes", { lastTimestamp: at(9) }, "FailedScheduling"),
    ],
    want: /: the cause\./,
  },
  {
    name: "events of other kinds only",
    events: [warning("slow", { lastTimestamp: at(9) }, "Unhealthy")],
    want: undefined,
  },
];

Deno.test("StuckPods tells the newest event that keeps a pod from starting", async (t) => {
  for (const { name, events, want } of CASES) {
    await t.step(name, async () => {
      const { clock, look } = start(() => events);
      await clock.advance(LONG_MS);
      const found = await look();
      assert.equal(found?.againMs, 2_500, "a quarter of its age");
      if (want === undefined) assert.equal(found?.refusal, undefined);
      else assert.match(found?.refusal?.message ?? "", want);
    });
  }
});

/** Times of objects come from other machines. */
Deno.test("StuckPods waits for the age of a pod whose time it cannot tell, or that lies ahead", async () => {
  const { look, pod, requests, clock } = start(() => []);
  assert.deepEqual(await look(pod("u", "")), { againMs: 2_500 });
  const ahead = new Date(clock.now() + 60_000).toISOString();
  assert.deepEqual(await look(pod("v", ahead)), { againMs: 2_500 });
  assert.equal(requests.length, 0);
});

/** A trouble that flickers in the report would be a change each time. */
Deno.test("StuckPods keeps what it knew while events cannot be read, and drops what is over", async () => {
  let answer: () => readonly object[] = () => [warning("no volume", { lastTimestamp: at(1) })];
  const { clock, logs, look } = start(() => answer());
  await clock.advance(LONG_MS);
  const before = await look();
  assert.match(before?.refusal?.message ?? "", /no volume/);
  answer = () => {
    throw new Fault("unavailable", "no cluster");
  };
  await clock.advance(LONG_MS);
  assert.deepEqual((await look())?.refusal, before?.refusal);
  answer = () => [];
  await clock.advance(LONG_MS);
  assert.equal((await look())?.refusal, undefined);
  answer = () => {
    throw new Fault("unavailable", "no cluster");
  };
  await clock.advance(LONG_MS);
  await look();
  assert.equal(logs.length, 2, "once for each time that it stops working");
});

Deno.test("StuckPods keeps pods apart, and asks anew about one that it forgot", async () => {
  const { clock, look, pod, requests, stuck } = start(() => []);
  await clock.advance(LONG_MS);
  await look(pod("a"));
  await look(pod("b"));
  await look(pod("a"));
  assert.equal(new Set(requests.map(({ query }) => query?.["fieldSelector"])).size, 2);
  assert.equal(requests.length, 2);
  stuck.forget(pod("a"));
  await look(pod("a"));
  await look(pod("b"));
  assert.equal(requests.length, 3);
});

Deno.test("StuckPods ends with the agent, and does not count that as missing events", async () => {
  const all = start(() => {
    all.stop.abort(new Error("enough"));
    throw new Fault("unavailable", "cut off");
  });
  await all.clock.advance(LONG_MS);
  await assert.rejects(all.look(), /enough/);
  assert.deepEqual(all.logs, []);
});

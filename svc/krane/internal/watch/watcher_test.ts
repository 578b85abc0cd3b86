import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { type DeploymentState, DeploymentStateSchema } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Fault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { apply, heartbeat, remove, snapshotEnd, type State, until } from "../../testing.ts";
import type { Settle } from "../control/controller.ts";
import { DEPLOYMENTS, type DesiredDeployment } from "../deployment/desired.ts";
import type { Result } from "./acknowledger.ts";
import { createWatcher } from "./watcher.ts";

/** Records the changes of the watcher; the test settles them. */
class FakeController {
  readonly calls: string[] = [];
  readonly held = new Map<string, DesiredDeployment>();
  readonly settles: Settle[] = [];
  /** Settles at once instead. */
  direct = true;

  apply(desired: DesiredDeployment, settle: Settle): void {
    this.calls.push(`apply ${desired.name} ${desired.image}`);
    this.held.set(desired.name, desired);
    this.#take(settle);
  }
  delete(name: string, settle: Settle): void {
    this.calls.push(`delete ${name}`);
    this.held.delete(name);
    this.#take(settle);
  }
  desired = (): DesiredDeployment[] => [...this.held.values()];
  find = (name: string): DesiredDeployment | undefined => this.held.get(name);
  has = (name: string): boolean => this.held.has(name);
  #take(settle: Settle): void {
    if (this.direct) settle("");
    else this.settles.push(settle);
  }
}

interface Setup {
  readonly controller: FakeController;
  readonly progress: { readonly cursor: number };
  readonly results: Result[];
  /** The cursors with which streams were opened. */
  readonly opened: number[];
  readonly managed: string[];
  connects: number;
}

/** Runs a watcher over streams that are written out in advance; the last one stays open. */
async function watching(
  streams: readonly (readonly (State | Error | "idle")[])[],
  test: (setup: Setup) => Promise<void>,
  options: { cursor?: number; heartbeatTimeoutMs?: number; direct?: boolean; managed?: string[] } = {},
): Promise<void> {
  const setup: Omit<Setup, "progress"> = {
    controller: new FakeController(),
    results: [],
    opened: [],
    managed: options.managed ?? [],
    connects: 0,
  };
  setup.controller.direct = options.direct ?? true;
  const stop = new AbortController();
  const aborted = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      // It may have ended between two messages.
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  const watcher = createWatcher({
    kind: DEPLOYMENTS,
    async *open(cursor, signal): AsyncGenerator<DeploymentState> {
      const index = setup.opened.push(cursor) - 1;
      for (const item of streams[index] ?? []) {
        if (item instanceof Error) throw item;
        if (item === "idle") await aborted(signal);
        else yield create(DeploymentStateSchema, item);
      }
      if (index >= streams.length - 1) await aborted(signal);
    },
    controller: setup.controller,
    acknowledge: (result) => setup.results.push(result),
    managed: () => Promise.resolve(setup.managed.map((name) => ({ name, resourceId: `d_${name}` }))),
    onConnected: () => setup.connects++,
    clock: systemClock(),
    log: silentLogger(),
    ...(options.heartbeatTimeoutMs === undefined
      ? {}
      : { times: { heartbeatTimeoutMs: options.heartbeatTimeoutMs } }),
  });
  watcher.resume(options.cursor ?? 0);
  const done = watcher.run(stop.signal);
  try {
    await test(Object.assign(setup, { progress: watcher }));
  } finally {
    stop.abort();
    await done;
  }
}

Deno.test("a snapshot and the changes after it reach the controller in order", async () => {
  const stream = [
    apply("a", 3),
    apply("b", 5),
    snapshotEnd(9, 2),
    apply("a", 10, { image: "two" }),
    remove("b", 11),
  ];
  await watching([stream], async ({ controller, progress, results, opened }) => {
    await until("all taken", () => progress.cursor === 11);
    assert.deepEqual(controller.calls, [
      "apply a unkey-test/busybox:latest",
      "apply b unkey-test/busybox:latest",
      "apply a two",
      "delete b",
    ]);
    assert.deepEqual(opened, [0]);
    assert.deepEqual(results.at(-1), {
      resourceType: "deployment",
      resourceId: "d_b",
      version: 11,
      error: "",
    });
  });
});

Deno.test("no deployment goes back in version", async () => {
  const stream = [
    snapshotEnd(9, 0),
    apply("a", 12, { image: "new" }),
    apply("a", 11, { image: "old" }),
    heartbeat(12),
  ];
  await watching([stream], async ({ controller, progress }) => {
    await until("all taken", () => progress.cursor === 12);
    assert.deepEqual(controller.calls, ["apply a new"]);
  });
});

Deno.test("managed resources that the snapshot lacks are deleted, also those that only the agent remembers", async () => {
  const problem: State = {
    version: 2n,
    state: { case: "problem", value: { resourceId: "d_broken", message: "row is broken" } },
  };
  const streams = [[apply("remembered", 1), snapshotEnd(1, 1), new Error("lost")], [
    apply("a", 2),
    problem,
    snapshotEnd(3, 2),
  ]];
  await watching(streams, async ({ controller, progress, results }) => {
    await until("all taken", () => progress.cursor === 3);
    const second = controller.calls.slice(
      controller.calls.lastIndexOf("apply a unkey-test/busybox:latest") + 1,
    );
    assert.deepEqual(
      second.toSorted(),
      ["delete orphan", "delete remembered"],
      "a resource with a problem keeps its state",
    );
    assert.deepEqual(results.find((each) => each.resourceId === "d_broken" && each.version === 2), {
      resourceType: "deployment",
      resourceId: "d_broken",
      version: 2,
      error: "row is broken",
    });
  }, { managed: ["a", "orphan", "broken"], cursor: 0 });
});

/** Deleting by half a snapshot would take down apps that are wanted. */
Deno.test("an incomplete snapshot deletes nothing and is asked for again", async () => {
  const streams = [[apply("a", 1), snapshotEnd(5, 2)], [apply("a", 1), apply("b", 2), snapshotEnd(5, 2)]];
  await watching(streams, async ({ controller, progress, opened }) => {
    await until("the second snapshot", () => progress.cursor === 5);
    assert.deepEqual(opened, [0, 0]);
    assert.ok(!controller.calls.some((each) => each.startsWith("delete")));
  }, { managed: ["b"] });
});

Deno.test("a stream that breaks in the middle of a snapshot is resumed from where it began", async () => {
  const streams = [[apply("a", 1), apply("b", 900), new Error("reset")], [snapshotEnd(1_000, 0)]];
  await watching(streams, async ({ progress, opened }) => {
    await until("the second stream", () => progress.cursor === 1_000);
    assert.deepEqual(opened, [100, 100]);
  }, { cursor: 100 });
});

Deno.test("the cursor does not pass changes that are not applied, and a quarantined change does not hold it", async () => {
  await watching(
    [[snapshotEnd(1, 0), apply("a", 2), apply("b", 3)]],
    async ({ controller, progress, results }) => {
      await until("both taken", () => controller.settles.length === 2);
      controller.settles[1]?.("");
      assert.equal(progress.cursor, 1);
      controller.settles[0]?.("cannot apply");
      assert.equal(progress.cursor, 3);
      controller.settles[0]?.("");
      assert.deepEqual(results.filter((each) => each.resourceId === "d_a").map((each) => each.error), [
        "cannot apply",
        "",
      ]);
    },
    { direct: false },
  );
});

Deno.test("a state that cannot be run is refused and blocks no other", async () => {
  const stream = [snapshotEnd(1, 0), apply("a", 2, { image: "" }), apply("b", 3)];
  await watching([stream], async ({ controller, progress, results }) => {
    await until("all taken", () => progress.cursor === 3);
    assert.deepEqual(controller.calls, ["apply b unkey-test/busybox:latest"]);
    assert.match(results.find((each) => each.version === 2)?.error ?? "", /image is empty/);
  });
});

Deno.test("a stream without messages is aborted and opened again from the cursor", async () => {
  const streams: (State | "idle")[][] = [[heartbeat(7), apply("a", 8), "idle"], [heartbeat(8)]];
  await watching(streams, async (setup) => {
    await until("the second stream", () => setup.connects === 2);
    assert.deepEqual(setup.opened.slice(0, 2), [7, 8]);
  }, { cursor: 7, heartbeatTimeoutMs: 150 });
});

Deno.test("errors of the stream are followed by another attempt", async () => {
  const fault = new Fault("unauthenticated", "no");
  await watching([[fault], [fault], [snapshotEnd(4, 0)]], async ({ progress, opened }) => {
    await until("the third stream", () => progress.cursor === 4);
    assert.equal(opened.length, 3);
  });
});

/** A restored backup begins again at small versions; the guard must not ignore all that it says. */
Deno.test("a control plane that went back in time is asked for a snapshot, which is applied", async () => {
  const streams = [[apply("a", 90), snapshotEnd(100, 1), new Error("reset")], [heartbeat(3)], [
    apply("a", 2, { image: "restored" }),
    snapshotEnd(3, 1),
  ]];
  await watching(streams, async ({ controller, progress, opened }) => {
    await until("the snapshot", () => opened.length === 3 && progress.cursor === 3);
    assert.deepEqual(opened, [0, 100, 0]);
    assert.equal(controller.calls.at(-1), "apply a restored");
  });
});

Deno.test("a message of an unknown kind is skipped", async () => {
  const unknown: State = { version: 6n };
  await watching([[snapshotEnd(5, 0), unknown]], async ({ progress }) => {
    await until("it is passed", () => progress.cursor === 6);
  });
});

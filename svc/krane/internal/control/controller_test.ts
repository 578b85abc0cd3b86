import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { until } from "../../testing.ts";
import { type Actor, Controller, type Limit, type Observed } from "./controller.ts";
import { type Report, Reporter } from "./reporter.ts";

const clock = systemClock();

interface Desired {
  readonly name: string;
  readonly image: string;
}

function desired(name: string, image = "one"): Desired {
  return { name, image };
}

/** Keeps running resources in a map; a test can make it fail, or hold it up. */
class FakeRuntime implements Actor<Desired, string> {
  readonly noun = "thing";
  readonly running = new Map<string, string>();
  readonly calls: string[] = [];
  failing = new Set<string>();
  /** Observed, but not as desired. */
  refused = new Set<string>();
  held: Promise<void> = Promise.resolve();
  busy = 0;
  busiest = 0;

  async reconcile({ name, image }: Desired): Promise<Observed<string>> {
    this.busy++;
    this.busiest = Math.max(this.busiest, this.busy);
    await this.held;
    this.busy--;
    this.calls.push(`apply ${name} ${image}`);
    if (this.failing.has(name)) throw new Error(`cannot run ${name}`);
    if (this.refused.has(name)) return { content: "refused", failure: new Error(`refused ${name}`) };
    this.running.set(name, image);
    return { content: image };
  }
  /** Names of what does not end by itself. */
  staying = new Set<string>();
  limited = 0;

  async remove(name: string, signal: AbortSignal, limit: Limit): Promise<void> {
    if (this.staying.has(name)) {
      return await new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve(), { once: true })
      );
    }
    await limit(() => {
      this.limited++;
      this.calls.push(`remove ${name}`);
      this.running.delete(name);
      return Promise.resolve();
    });
  }
}

interface Setup {
  readonly runtime: FakeRuntime;
  readonly controller: Controller<Desired, string>;
  readonly events: string[];
}

async function controlling(
  test: (setup: Setup) => Promise<void>,
  options: { drainMs?: number; alwaysReport?: boolean } = {},
): Promise<void> {
  const runtime = new FakeRuntime();
  const events = runtime.calls;
  const send = ({ name, content }: Report<string>): Promise<void> => {
    events.push(`report ${content === undefined ? "delete" : "update"} ${name}`);
    return Promise.resolve();
  };
  const log = silentLogger();
  const reporter = new Reporter({ send, clock, log, generationFloor: 0 });
  const controller = new Controller({ actor: runtime, reporter, clock, log, drainMs: 0, ...options });
  try {
    await test({ runtime, controller, events });
  } finally {
    await controller.close();
    await reporter.close();
  }
}

Deno.test("a refused resource is reported as it is, is not settled as applied, and is tried again", async () => {
  await controlling(async ({ controller, events, runtime }) => {
    const settled: string[] = [];
    runtime.refused.add("a");
    controller.apply(desired("a"), (error) => settled.push(error));
    await until("the NACK", () => settled.length === 1);
    assert.match(settled[0] ?? "", /refused a/);
    await until("the report", () => events.includes("report update a"));
    runtime.refused.delete("a");
    await until("the ACK", () => settled.length === 2);
    assert.equal(settled[1], "");
  });
});

Deno.test("a resource is applied, reported, and settled", async () => {
  await controlling(async ({ controller, events }) => {
    const settled: string[] = [];
    controller.apply(desired("a"), (error) => settled.push(error));
    await until("settled", () => settled.length === 1);
    await until("reported", () => events.length === 2);
    assert.deepEqual(settled, [""]);
    assert.deepEqual(events, ["apply a one", "report update a"]);
  });
});

/** A stop and a start that reach the agent as one state: the control plane has forgotten the instances. */
Deno.test("each desired state is reported when it is reached, also when nothing had to be done for it", async () => {
  await controlling(async ({ controller, events }) => {
    const reports = (): number => events.filter((each) => each === "report update a").length;
    controller.apply(desired("a"), () => undefined);
    await until("reported", () => reports() === 1);
    controller.apply(desired("a"), () => undefined);
    await until("reported again", () => reports() === 2);
    controller.changed("a");
    await until("looked at", () => events.filter((each) => each === "apply a one").length === 3);
    const settled: string[] = [];
    controller.delete("a", () => settled.push("delete"));
    await until("removed", () => settled.length === 1);
    assert.equal(reports(), 2, "without a change nothing is repeated");
  }, { alwaysReport: true });
});

Deno.test("a failing resource is refused at once, retried, and blocks no other", async () => {
  await controlling(async ({ runtime, controller }) => {
    runtime.failing.add("bad");
    const settled: string[] = [];
    controller.apply(desired("bad"), (error) => settled.push(error));
    controller.apply(desired("good"), () => undefined);
    await until("NACK", () => settled.length === 1);
    assert.match(settled[0] ?? "", /cannot run bad/);
    await until("the other", () => runtime.running.has("good"));
    runtime.failing.clear();
    await until("ACK later", () => settled.length === 2);
    assert.equal(settled[1], "");
  });
});

Deno.test("a removal is reported before it happens, and a revoked removal does not happen", async () => {
  await controlling(async ({ runtime, controller, events }) => {
    controller.apply(desired("a"), () => undefined);
    await until("it runs", () => events.includes("report update a"));
    const settled: string[] = [];
    controller.delete("a", () => settled.push("delete"));
    await until("the report", () => events.includes("report delete a"));
    controller.apply(desired("a", "two"), () => settled.push("apply"));
    await until("both settled", () => settled.length === 2);
    assert.equal(runtime.running.get("a"), "two");
    assert.ok(!events.includes("remove a"));
  }, { drainMs: 30_000 });
});

Deno.test("a removal that is asked for twice is done once and settles both", async () => {
  await controlling(async ({ controller, events }) => {
    const settled: string[] = [];
    controller.apply(desired("a"), () => undefined);
    controller.delete("a", () => settled.push("first"));
    controller.delete("a", () => settled.push("second"));
    await until("both settled", () => settled.length === 2);
    assert.equal(events.filter((each) => each === "remove a").length, 1);
    assert.equal(controller.has("a"), false);
  });
});

Deno.test("changes that come while one is applied end in the newest, in order", async () => {
  await controlling(async ({ runtime, controller }) => {
    const gate = Promise.withResolvers<void>();
    runtime.held = gate.promise;
    const settled: string[] = [];
    for (const image of ["one", "two", "three"]) {
      controller.apply(desired("a", image), () => settled.push(image));
    }
    gate.resolve();
    await until("all settled", () => settled.length === 3);
    assert.equal(runtime.running.get("a"), "three");
    assert.deepEqual(runtime.calls.filter((each) => each.startsWith("apply")), [
      "apply a one",
      "apply a three",
    ]);
  });
});

Deno.test("many resources are worked on side by side, but not all at once", async () => {
  await controlling(async ({ runtime, controller }) => {
    const gate = Promise.withResolvers<void>();
    runtime.held = gate.promise;
    for (let index = 0; index < 50; index++) controller.apply(desired(`a${index}`), () => undefined);
    await until("the slots are full", () => runtime.busy === 8);
    gate.resolve();
    await until("all run", () => runtime.running.size === 50);
    assert.equal(runtime.busiest, 8);
  });
});

/** Apps choose their time to end, up to an hour. */
Deno.test("resources that take long to end hold up no removal of another one", () =>
  controlling(async ({ controller, runtime }) => {
    const names = Array.from({ length: 100 }, (_, at) => `slow${at}`);
    for (const name of names) runtime.staying.add(name);
    for (const name of names) controller.delete(name, () => undefined);
    controller.delete("quick", () => undefined);
    await until("the quick one to be removed", () => runtime.calls.includes("remove quick"));
    assert.equal(runtime.limited, 1);
  }));

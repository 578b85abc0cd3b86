/** Commands that run once, on the real Docker Engine. */
import assert from "node:assert/strict";
import { inspectContainer, removeContainer } from "../../pkg/docker/mod.ts";
import { type Apply, apply, remove, Status, until } from "./testing.ts";
import { type Bench, engineTest } from "./testing_bench.ts";

const LIVE = new AbortController().signal;

/** A deployment that waits for a task: no instance runs. */
function release(command: readonly string[], changes: Partial<Task> = {}, more: Apply = {}): Apply {
  const task = { name: "release", command: [...command], timeoutSeconds: 600, isStarted: false, ...changes };
  return { replicas: 0, tasks: [task], environmentVariables: { TOKEN: "secret" }, ...more };
}

interface Task {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly isStarted: boolean;
}

const sh = (script: string): readonly string[] => ["sh", "-c", script];

async function ended(bench: Bench, name: string) {
  return await until("the end of the task", () => {
    const found = bench.plane.task(name, "release");
    return found !== undefined && [Status.ENDED, Status.FAILED].includes(found.status) && found;
  });
}

async function containerOf(bench: Bench, name: string) {
  const [found] = await until("its container", async () => {
    const all = await bench.containers(name);
    return all.length === 1 && all;
  });
  return await inspectContainer(bench.engine, found?.id ?? "", LIVE);
}

engineTest(
  "a task runs once with the image, variables and limits of its deployment, then makes way",
  async (bench) => {
    const name = bench.name();
    await bench.agent();
    const script = 'echo "$TOKEN $UNKEY_TASK $UNKEY_DEPLOYMENT_ID"; exit 0';
    const stream = await bench.plane.snapshot(0, 1, apply(name, 1, release(sh(script))));
    const end = await ended(bench, name);
    assert.deepEqual([end.status, end.exitCode, end.reason], [Status.ENDED, 0, ""]);
    assert.deepEqual(end.lastLogLines, [`secret release d_${name}`]);
    assert.deepEqual(bench.plane.instances(name), [], "no instance of the app");
    const container = await containerOf(bench, name);
    assert.deepEqual(container?.limits, { cpuMillicores: 250, memoryBytes: 64 * 1024 * 1024, pidsMax: 50 });
    assert.equal(container?.hostPorts.size, 0, "it reaches no port");

    stream.send(apply(name, 2));
    await bench.plane.settled(name, Status.RUNNING);
    await until("the task's container to go", async () => (await bench.containers(name)).length === 1);
    await until(
      "its output",
      () => bench.plane.lines.some(({ text }) => text === `secret release d_${name}`),
    );
  },
);

engineTest("a task that fails reports its exit code and last lines, and is not run again", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const script = "echo no such table; exit 3";
  const stream = await bench.plane.snapshot(0, 1, apply(name, 1, release(sh(script))));
  const end = await ended(bench, name);
  assert.deepEqual([end.status, end.exitCode, end.lastLogLines], [Status.ENDED, 3, ["no such table"]]);
  const before = await containerOf(bench, name);
  // The same desired state again, as after a reconnect.
  stream.send(apply(name, 2, release(sh(script))));
  await until("the ACK", () => bench.plane.acknowledgements.some((each) => each.appliedVersion >= 2n));
  assert.equal((await containerOf(bench, name))?.state.startedAt, before?.state.startedAt);
});

engineTest("a task that ignores its signal and prints without end is killed at its limit", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const script = "trap '' TERM; while true; do echo yes; done";
  const stream = await bench.plane.snapshot(
    0,
    1,
    apply(name, 1, release(sh(script), { timeoutSeconds: 2 }, { stopSeconds: 1 })),
  );
  const end = await ended(bench, name);
  assert.deepEqual([end.status, end.reason, end.exitCode], [Status.ENDED, "timed_out", 137]);
  assert.ok(end.lastLogLines.length <= 20);
  stream.send(remove(name, 2));
  await until("nothing to be left", async () => (await bench.containers(name)).length === 0);
});

engineTest("a removal ends a task that runs", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const command = sh("trap '' TERM; sleep 1000 & wait");
  const stream = await bench.plane.snapshot(0, 1, apply(name, 1, release(command, {}, { stopSeconds: 1 })));
  await until("it to run", () => bench.plane.task(name, "release")?.status === Status.RUNNING);
  stream.send(remove(name, 2));
  await until("nothing to be left", async () => (await bench.containers(name)).length === 0);
});

engineTest(
  "a run beside an app that serves leaves its instances alone, and makes way when it is not wanted",
  async (bench) => {
    const name = bench.name();
    await bench.agent();
    const environmentVariables = { TOKEN: "secret" };
    const stream = await bench.plane.snapshot(0, 1, apply(name, 1, { environmentVariables }));
    await bench.plane.settled(name, Status.RUNNING);
    const [app] = await bench.containers(name);
    const run = (command: readonly string[]): Apply =>
      release(command, { name: "run-a" }, { replicas: 1, stopSeconds: 1 });
    stream.send(apply(name, 2, run(sh("echo run; trap '' TERM; sleep 1000 & wait"))));
    await until("it to run", () => bench.plane.task(name, "run-a")?.status === Status.RUNNING);
    assert.deepEqual(
      bench.plane.instances(name).map(({ status }) => status),
      [Status.RUNNING],
      "and the app does",
    );
    stream.send(apply(name, 3, { environmentVariables }));
    await until("its container to go", async () => (await bench.containers(name)).length === 1);
    assert.deepEqual(
      (await bench.containers(name)).map(({ id }) => id),
      [app?.id],
      "the same instance as before",
    );
    await until("its output", () => bench.plane.lines.some(({ text }) => text === "run"));
  },
);

engineTest("an agent finds the task of the one before it, and does not start a second", async (bench) => {
  const name = bench.name();
  const file = "/tmp/go";
  const command = sh(`echo begun; while [ ! -e ${file} ]; do sleep 0.1; done; exit 7`);
  const stopFirst = await bench.agent();
  await bench.plane.snapshot(0, 1, apply(name, 1, release(command)));
  await until("it to run", () => bench.plane.task(name, "release")?.status === Status.RUNNING);
  const { id } = await containerOf(bench, name) ?? { id: "" };
  await stopFirst();
  bench.plane.reports.length = 0;
  await bench.agent();
  await bench.plane.snapshot(1, 1, apply(name, 1, release(command, { isStarted: true })));
  await until("the next agent's report", () => bench.plane.task(name, "release")?.status === Status.RUNNING);
  await bench.exec(id, ["touch", file]);
  const end = await ended(bench, name);
  assert.deepEqual([end.status, end.exitCode], [Status.ENDED, 7]);
  assert.equal((await containerOf(bench, name))?.id, id);
});

engineTest("a task whose container was removed is lost, and never made anew", async (bench) => {
  const name = bench.name();
  await bench.agent();
  await bench.plane.snapshot(0, 1, apply(name, 1, release(sh("sleep 1000"))));
  await until("it to run", () => bench.plane.task(name, "release")?.status === Status.RUNNING);
  await removeContainer(bench.engine, (await containerOf(bench, name))?.id ?? "", LIVE);
  const end = await ended(bench, name);
  assert.deepEqual([end.status, end.reason, end.message], [
    Status.FAILED,
    "lost",
    "Its container was removed.",
  ]);
  assert.equal((await bench.containers(name)).length, 0);
});

engineTest("a task that was seen to run before is lost without a trace of it", async (bench) => {
  const name = bench.name();
  await bench.agent();
  await bench.plane.snapshot(0, 1, apply(name, 1, release(sh("true"), { isStarted: true })));
  const end = await ended(bench, name);
  assert.deepEqual([end.status, end.reason], [Status.FAILED, "lost"]);
  assert.equal((await bench.containers(name)).length, 0);
});

engineTest(
  "a command that is not in the image, and one that needs too much memory, say so",
  async (bench) => {
    const [missing, greedy] = [bench.name(), bench.name()];
    await bench.agent();
    const fill = sh("head -c 200000000 /dev/zero | tail");
    await bench.plane.snapshot(
      0,
      2,
      apply(missing, 1, release(["/no/such/program"])),
      apply(greedy, 2, release(fill, {}, { memoryMib: 16n })),
    );
    const absent = await ended(bench, missing);
    assert.deepEqual([absent.status, absent.reason], [Status.FAILED, "crash_loop"]);
    assert.match(absent.message, /\/no\/such\/program/);
    const killed = await ended(bench, greedy);
    assert.equal(killed.reason, "oom_killed");
    assert.match(killed.message, /16 MiB/);
  },
);

/** Commands that run once, on the real cluster. */
import assert from "node:assert/strict";
import { type Apply, remove, Status, until } from "../../svc/krane/testing.ts";
import { onCluster } from "../testbed/cluster.ts";
import { KraneBed } from "./krane_bed.ts";

function taskTest(name: string, test: (bed: KraneBed) => Promise<void>): void {
  onCluster(name, async (cluster) => {
    await using bed = await KraneBed.open(cluster);
    await test(bed);
  });
}

/** A deployment that waits for a command: no instance runs. */
function release(
  script: string,
  changes: { readonly timeoutSeconds?: number; readonly isStarted?: boolean } = {},
) {
  const task = { name: "release", command: ["sh", "-c", script], timeoutSeconds: 600, isStarted: false };
  const deployment: Apply = { replicas: 0, tasks: [{ ...task, ...changes }] };
  return { ...deployment, environmentVariables: { TOKEN: "secret" } };
}

async function ended(bed: KraneBed, name: string) {
  return await until("the end of the task", () => {
    const found = bed.plane.task(name, "release");
    return found !== undefined && [Status.ENDED, Status.FAILED].includes(found.status) && found;
  });
}

const podIds = async (bed: KraneBed, name: string): Promise<readonly string[]> =>
  (await bed.pods(name)).map(({ metadata }) => metadata.uid);

taskTest("a task runs once with the variables of its deployment, then makes way for the app", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const script = 'echo "$TOKEN $UNKEY_TASK $UNKEY_DEPLOYMENT_ID"';
  const stream = await plane.snapshot(0, 1, bed.apply(name, 1, release(script)));
  const end = await ended(bed, name);
  assert.deepEqual([end.status, end.exitCode, end.reason], [Status.ENDED, 0, ""]);
  assert.deepEqual(end.lastLogLines, [`secret release d_${name}`]);
  assert.deepEqual(plane.instances(name), [], "no instance of the app");
  const [pod, ...others] = await bed.pods(name);
  assert.deepEqual([pod?.metadata.name, others.length], [`${name}-release`, 0]);
  await until("its output", () => plane.lines.some(({ text }) => text === `secret release d_${name}`));

  stream.send(bed.apply(name, 2, { environmentVariables: { TOKEN: "secret" } }));
  const [instance] = await plane.settled(name, Status.RUNNING);
  await until(
    "the task's pod to go",
    async () => (await bed.pods(name)).every(({ metadata }) => metadata.name === instance?.k8sName),
  );
});

taskTest("a task that fails is reported by the next agent too, from the same pod", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  const first = await bed.agent();
  await plane.snapshot(0, 1, bed.apply(name, 1, release("echo no such table; exit 3")));
  const end = await ended(bed, name);
  assert.deepEqual([end.status, end.exitCode, end.lastLogLines], [Status.ENDED, 3, ["no such table"]]);
  const before = await podIds(bed, name);
  await first.stop();
  plane.reports.length = 0;
  await bed.agent();
  await plane.snapshot(1, 1, bed.apply(name, 1, release("echo no such table; exit 3", { isStarted: true })));
  assert.equal((await ended(bed, name)).exitCode, 3);
  assert.deepEqual(await podIds(bed, name), before);
});

taskTest("a task that ignores its signal and prints without end is killed at its limit", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const script = "trap '' TERM; while true; do echo yes; done";
  const stream = await plane.snapshot(0, 1, bed.apply(name, 1, release(script, { timeoutSeconds: 2 })));
  const end = await ended(bed, name);
  assert.deepEqual([end.status, end.reason, end.exitCode], [Status.ENDED, "timed_out", 137]);
  stream.send(remove(name, 2));
  await until(
    "nothing to be left",
    async () => (await bed.pods(name)).length + (await bed.sets()).length === 0,
  );
});

taskTest("a removal ends a task that runs, and leaves nothing", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  const stream = await plane.snapshot(0, 1, bed.apply(name, 1, release("trap '' TERM; sleep 1000 & wait")));
  await until("it to run", () => plane.task(name, "release")?.status === Status.RUNNING);
  stream.send(remove(name, 2));
  await until(
    "nothing to be left",
    async () => (await bed.pods(name)).length + (await bed.sets()).length === 0,
  );
});

taskTest("a task whose pod was removed is lost, and never made anew", async (bed) => {
  const { plane } = bed;
  const name = bed.name();
  await bed.agent();
  await plane.snapshot(0, 1, bed.apply(name, 1, release("sleep 1000")));
  await until("it to run", () => plane.task(name, "release")?.status === Status.RUNNING);
  await bed.deletePod(`${name}-release`);
  const end = await ended(bed, name);
  // Its node may tell of the end by a signal before the pod is gone.
  assert.ok(end.reason === "lost" || end.exitCode !== 0, `${end.reason} ${end.exitCode}`);
  await until("no pod to be left", async () => (await bed.pods(name)).length === 0);
  assert.equal(plane.task(name, "release")?.status === Status.RUNNING, false);
});

taskTest("a command that is not in the image says so", async (bed) => {
  const name = bed.name();
  await bed.agent();
  const task = { name: "release", command: ["/no/such/program"], timeoutSeconds: 60, isStarted: false };
  await bed.plane.snapshot(0, 1, bed.apply(name, 1, { replicas: 0, tasks: [task] }));
  const end = await ended(bed, name);
  assert.equal(end.status, Status.FAILED);
  assert.match(end.message, /\/no\/such\/program/);
});

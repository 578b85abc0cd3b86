/** Settings of apps on a real engine: the command of a health check, an init process, and the way to stop. */
import assert from "node:assert/strict";
import { HealthCheck_Kind as Kind } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { apply, remove, shell, Status, until, WEB_SERVER } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

engineTest("an app whose health check is a command is healthy when the command succeeds", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  const script = `${WEB_SERVER.replace(/ wait$/, "")} sleep 2; touch /tmp/fine; sleep 600 & wait`;
  const command = shell("[ -e /tmp/fine ] || { echo not yet; exit 3; }");
  const healthCheck = { kind: Kind.COMMAND, command, intervalMs: 200, unhealthyMs: 300 };
  await plane.snapshot(0, 1, apply(name, 1, { command: shell(script), healthCheck }));
  const waiting = await until(
    "the reason",
    () => plane.instances(name).find(({ reason }) => reason === "not_listening"),
  );
  assert.match(
    waiting.message ?? "",
    /its health check, the command sh -c .*, fails \(exit code 3: not yet\)/,
  );
  const [running] = await plane.settled(name, Status.RUNNING);
  const [container] = await bench.containers();
  assert.ok(container && running);
  await bench.exec(container.id, ["rm", "/tmp/fine"]);
  await until("the failure", () => plane.instances(name).some(({ reason }) => reason === "unhealthy"));
});

engineTest("an app with an init process leaves no zombies, and one without keeps them", async (bench) => {
  const { plane } = bench;
  const [withInit, without] = [bench.name(), bench.name()];
  await bench.agent();
  // The children outlive their subshells and then belong to process 1: a program that waits for none.
  const orphans = "for i in 1 2 3 4 5; do (sleep 2 & ) ; done";
  const script = `${WEB_SERVER.replace(/ wait$/, "")} ${orphans}; exec tail -f /dev/null`;
  const command = shell(script);
  await plane.snapshot(
    0,
    2,
    apply(withInit, 1, { command, init: true }),
    apply(without, 2, { command, init: false }),
  );
  await plane.settled(withInit, Status.RUNNING);
  await plane.settled(without, Status.RUNNING);
  const zombiesOf = async (name: string): Promise<number> => {
    const container = (await bench.containers()).find((each) => each.name === `unkey-${name}-0`);
    const states = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true";
    return Number(await bench.exec(container?.id ?? "", shell(states)));
  };
  await until("the zombies", async () => await zombiesOf(without) > 0);
  await until("none", async () => await zombiesOf(withInit) === 0);
});

engineTest("an app gets its stop signal, and the time that it asks for to end", async (bench) => {
  const { plane } = bench;
  const name = bench.name();
  await bench.agent();
  // The agent's own grace time is two seconds.
  const script = `trap 'echo asked; sleep 3; echo ended; exit 0' QUIT; ${WEB_SERVER}`;
  const stream = await plane.snapshot(
    0,
    1,
    apply(name, 1, { command: shell(script), stopSignal: "SIGQUIT", stopSeconds: 60 }),
  );
  await plane.settled(name, Status.RUNNING);
  stream.send(remove(name, 2));
  await until("its last line", () => plane.lines.some(({ text }) => text === "ended"));
  await until("its end", async () => (await bench.containers()).length === 0);
});

/** Apps choose their time to end: those that take it must not keep others from starting. */
engineTest("apps that do not end hold up no start of another one", async (bench) => {
  const { plane } = bench;
  await bench.agent({ drainMs: 0 });
  const names = Array.from({ length: 9 }, () => bench.name());
  const stays = (version: number, image: string) =>
    names.map((name) => apply(name, version, { command: [...STAYS, image], stopSeconds: 120 }));
  const stream = await plane.snapshot(0, 1, ...stays(1, "one"));
  for (const name of names) await plane.settled(name, Status.RUNNING);
  for (const each of stays(2, "two")) stream.send(each);
  const other = bench.name();
  stream.send(apply(other, 3));
  await plane.settled(other, Status.RUNNING);
  const left = await bench.containers(names[0]);
  assert.deepEqual(left.map(({ state }) => state.status), ["running"], "its time to end is not over");
});

const STAYS = [
  "sh",
  "-c",
  `trap '' TERM; mkdir -p /tmp/www; httpd -p "$PORT" -h /tmp/www; while :; do sleep 1; done`,
];

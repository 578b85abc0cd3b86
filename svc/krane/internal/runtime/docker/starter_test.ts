import assert from "node:assert/strict";
import { z } from "zod";
import { Fault } from "../../../../../pkg/fault/mod.ts";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { DESIRED } from "../kubernetes/testing_manifests.ts";
import { ownLabels, type SpecOptions } from "./container_manifest.ts";
import { Histories } from "./exits.ts";
import { HostPorts } from "./host_ports.ts";
import { Starter } from "./starter.ts";
import { type Answer, engineFault, type EngineRequest, FakeEngine } from "./testing_engine.ts";
import { StartTimes } from "../../deployment/start_times.ts";

const SPEC: SpecOptions = {
  region: "eu-1",
  controlPlaneId: "cp",
  publishAddress: "127.0.0.1",
  network: "bridge",
  cpuMillicoresDefault: 100,
  memoryMibDefault: 64,
  pidsDefault: 50,
  capabilities: [],
  cpuMillicoresMax: 1_000,
};
const NAME = `unkey-${DESIRED.name}-0`;
const CREATE = { kind: "create", ordinal: 0 } as const;
const START = { kind: "start", ordinal: 0, id: "old" } as const;
const NO_INIT = 'exec: "docker-init": executable file not found in $PATH';
const PORT_TAKEN = "Bind for 127.0.0.1:1 failed: port is already allocated";

const Body = z.object({
  HostConfig: z.object({
    Init: z.boolean(),
    PortBindings: z.record(z.string(), z.tuple([z.object({ HostPort: z.string() })])),
  }),
});

/** An engine that refuses starts with these words, one after the other. */
function start(refusals: string[], other?: Answer) {
  const [clock, histories, logs] = [new ManualClock(), new Histories(), new Array<string>()];
  let made = 0;
  const engine = new FakeEngine((request) => {
    const answer = other?.(request);
    if (answer !== undefined) return answer;
    if (request.path === "/containers/create") return { Id: `c${++made}` };
    const refusal = request.path.endsWith("/start") ? refusals.shift() : undefined;
    if (refusal !== undefined) throw engineFault("unavailable", refusal);
    return undefined;
  });
  const starter = new Starter({
    times: new StartTimes(clock),
    engine,
    clock,
    histories,
    log: createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) }),
    spec: SPEC,
    ports: new HostPorts({ first: 41_000, last: 41_999, address: "127.0.0.1", start: 0 }),
    ownNetwork: undefined,
  });
  const run = (action: typeof CREATE | typeof START = CREATE, init = true) =>
    starter.run(action, { ...DESIRED, init }, new AbortController().signal);
  return { clock, engine, histories, logs, run };
}

const bodies = ({ requests }: FakeEngine) =>
  requests.filter(({ path }) => path === "/containers/create").map(({ body }) => Body.parse(body).HostConfig);

Deno.test("Starter leaves the init program out where the engine has none, from then on", async () => {
  const { engine, histories, logs, run } = start([NO_INIT]);
  assert.equal(await run(), undefined);
  assert.deepEqual(bodies(engine).map(({ Init }) => Init), [true, false]);
  assert.deepEqual(engine.asked, [
    "POST /containers/create",
    "POST /containers/c1/start",
    "DELETE /containers/c1",
    "POST /containers/create",
    "POST /containers/c2/start",
  ]);
  assert.equal(histories.of(NAME).startTrouble, undefined);
  histories.forget(NAME);
  await run();
  assert.deepEqual(bodies(engine).map(({ Init }) => Init), [true, false, false]);
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", /has no init program.*docker-init/);
});

Deno.test("Starter makes a container of before again that has the init program", async () => {
  const { engine, histories, run } = start([NO_INIT]);
  await run(START);
  assert.deepEqual(engine.asked.slice(0, 2), ["POST /containers/old/start", "DELETE /containers/old"]);
  assert.deepEqual(bodies(engine).map(({ Init }) => Init), [false]);
  assert.equal(histories.of(NAME).restartsByAgent, 1);
});

/** The words alone are no reason to try without end. */
Deno.test("Starter does not try again for an app that wants no init program", async () => {
  const { engine, histories, run } = start([NO_INIT, NO_INIT]);
  assert.ok(await run(CREATE, false), "it is tried again later");
  assert.equal(bodies(engine).length, 1);
  assert.match(histories.of(NAME).startTrouble?.message ?? "", /docker-init/);
});

const LOST_PLACES = [
  PORT_TAKEN,
  "listen tcp 127.0.0.1:1: bind: address already in use",
  "Ports are not available: exposing port TCP 127.0.0.1:1",
  "invalid config for network n: no configured subnet contains IP address 10.1.2.3",
  "network unkey-1 not found",
];

Deno.test("Starter takes another place when its own was taken meanwhile", async (t) => {
  for (const words of LOST_PLACES) {
    await t.step(words, async () => {
      const { engine, run } = start([words]);
      assert.equal(await run(), undefined);
      const ports = bodies(engine).map(({ PortBindings }) => PortBindings["8080/tcp"]?.[0].HostPort);
      assert.equal(ports.length, 2);
      assert.notEqual(ports[0], ports[1]);
      assert.ok(engine.asked.includes("DELETE /containers/c1"), "nothing is left of the first");
    });
  }
});

Deno.test("Starter gives up after some places, and tells of the trouble", async () => {
  const { engine, histories, run } = start(Array.from({ length: 9 }, () => PORT_TAKEN));
  assert.ok(await run(), "it is tried again later");
  assert.equal(bodies(engine).length, 5);
  assert.equal(histories.of(NAME).startTrouble?.reason, "unschedulable");
});

Deno.test("Starter waits ever longer between its attempts, and asks nothing meanwhile", async () => {
  const words = Array.from({ length: 7 }, () => "no space left on device");
  const { clock, engine, histories, run } = start(words);
  for (const mostMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const waitMs = await run() ?? 0;
    assert.ok(waitMs >= mostMs / 2 && waitMs <= mostMs, `${waitMs} of ${mostMs}: a part of it is chance`);
    const { length } = engine.asked;
    await clock.advance(waitMs / 2);
    const leftMs = await run() ?? 0;
    assert.ok(leftMs > 0 && leftMs < waitMs, "too early");
    assert.equal(engine.asked.length, length);
    await clock.advance(leftMs + 1);
  }
  assert.equal(await run(), undefined);
  assert.equal(histories.of(NAME).startTrouble, undefined, "the trouble is over");
});

Deno.test("Starter passes on that the engine is away: that is no trouble of the app", async () => {
  const away = new Fault("unavailable", "cannot reach the Docker Engine", { cause: new Error("refused") });
  const { histories, run } = start([], () => {
    throw away;
  });
  await assert.rejects(run(), (error) => error === away);
  assert.equal(histories.of(NAME).startTrouble, undefined);
});

/** The container that holds the name already. */
function holder(labels: Readonly<Record<string, string>>): Answer {
  return ({ method, path }: EngineRequest) => {
    if (path === "/containers/create") throw engineFault("already_exists", "the name is in use");
    if (method !== "GET") return undefined;
    return {
      ...{ Id: "theirs", Name: `/${NAME}`, Image: "i", RestartCount: 0 },
      State: { Status: "created", ExitCode: 0, StartedAt: "" },
      Config: { Labels: labels },
      HostConfig: {},
      NetworkSettings: {},
    };
  };
}

Deno.test("Starter starts the container of a call whose answer was lost, and leaves others' alone", async () => {
  const labels = ownLabels(SPEC).map((label) => label.split(/=(.*)/s).slice(0, 2));
  const own = start([], holder(Object.fromEntries(labels)));
  assert.equal(await own.run(), undefined);
  assert.equal(own.engine.asked.at(-1), "POST /containers/theirs/start");
  const other = start([], holder({ ...Object.fromEntries(labels), "unkey.region": "eu-2" }));
  assert.ok(await other.run(), "it is tried again later");
  assert.equal(other.histories.of(NAME).startTrouble?.reason, "refused");
  assert.equal(other.engine.asked.some((each) => /start|DELETE/.test(each)), false);
});

import assert from "node:assert/strict";
import { createLogger } from "../../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../../pkg/testkit/manual_clock.ts";
import { DESIRED } from "../kubernetes/testing_manifests.ts";
import { LABEL } from "./container_manifest.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Histories } from "./exits.ts";
import { engineFault, FakeEngine } from "./testing_engine.ts";

const MIB = 1024 * 1024;
const { env: _env, ...LABELLED } = DESIRED;

/** A container in the engine's list, with the disk limit of its deployment; 0: it names none. */
function sized(name: string, writtenMib: number, ephemeralStorageMib = 0, stopSeconds = 7) {
  const desired = JSON.stringify({ ...LABELLED, ephemeralStorageMib, stopSeconds, variables: [] });
  return {
    Id: `id-${name}`,
    Names: [`/${name}`],
    Labels: { [LABEL.desired]: desired },
    SizeRw: writtenMib * MIB,
  };
}

function start(list: () => unknown, stop: (path: string) => unknown = () => undefined) {
  const [clock, histories, notes, logs] = [
    new ManualClock(),
    new Histories(),
    new Array<string>(),
    new Array<string>(),
  ];
  const engine = new FakeEngine(({ path }) =>
    path === "/containers/json" ? list() : path.endsWith("/stop") ? stop(path) : undefined
  );
  const watch = new DiskWatch({
    engine,
    clock,
    histories,
    log: createLogger({ service: "test", level: "warn", write: (line) => logs.push(line) }),
    spec: { region: "eu", controlPlaneId: "cp" },
    diskMibDefault: 100,
    stopGraceSeconds: 10,
    note: (instance, _, text) => notes.push(`${instance}: ${text}`),
  });
  const look = async (): Promise<void> => {
    await watch.look(new AbortController().signal);
    await watch.replaced();
  };
  return { clock, engine, histories, logs, look, notes, watch };
}

Deno.test("DiskWatch replaces the apps that wrote more than their limit, and keeps the reason", async () => {
  const { engine, histories, look, notes } = start(() => [
    sized("small", 100),
    sized("large", 101),
    sized("allowed", 500, 500),
    sized("own", 51, 50),
    { Id: "id-foreign", Names: ["/foreign"], SizeRw: 99 * MIB },
  ]);
  await look();
  assert.deepEqual(engine.asked.slice(1), [
    "POST /containers/id-large/stop",
    "POST /containers/id-own/stop",
    "DELETE /containers/id-large",
    "DELETE /containers/id-own",
  ]);
  const [list, stop] = engine.requests;
  assert.deepEqual([list?.query?.["size"], stop?.query?.["t"]], ["1", "7"]);
  assert.match(
    notes[0] ?? "",
    /^large: The app is replaced because it wrote 101 MiB of files, more than its 100 MiB/,
  );
  histories.forget("large");
  const { lastExit, isNoted } = histories.of("large");
  assert.deepEqual(
    [lastExit?.isEvicted, isNoted],
    [true, true],
    "the next container knows the end of this one",
  );
  histories.forget("large");
  assert.equal(histories.of("large").lastExit, undefined, "once");
});

Deno.test("DiskWatch looks each minute, and less often where looking takes long", async () => {
  let looks = 0;
  const bed = start(async () => {
    looks++;
    if (looks === 2) await bed.clock.sleep(5_000);
    return [];
  });
  const stop = new AbortController();
  const done = bed.watch.run(stop.signal);
  await bed.clock.advance(10_000);
  assert.equal(looks, 1);
  await bed.clock.advance(60_000);
  assert.equal(looks, 2);
  await bed.clock.advance(5_000 + 249_000);
  assert.equal(looks, 2, "five seconds of looking are paid for with 250 of rest");
  await bed.clock.advance(2_000);
  assert.equal(looks, 3);
  stop.abort();
  await done;
});

Deno.test("DiskWatch rests for a quarter of an hour at most, however long the engine read", async () => {
  let looks = 0;
  const bed = start(async () => {
    looks++;
    if (looks === 1) await bed.clock.sleep(300_000);
    return [];
  });
  const stop = new AbortController();
  const done = bed.watch.run(stop.signal);
  await bed.clock.advance(10_000 + 300_000 + 899_000);
  assert.equal(looks, 1);
  await bed.clock.advance(2_000);
  assert.equal(looks, 2);
  stop.abort();
  await done;
});

/** Else a tenant whose app ends slowly holds up the watch over all other tenants of the host. */
Deno.test("DiskWatch looks again while apps take their time to stop, and stops each of them once", async () => {
  const held = Promise.withResolvers<void>();
  let looks = 0;
  const bed = start(() => {
    looks++;
    return [sized("slow", 500), sized("next", 500), ...(looks < 3 ? [] : [sized("late", 500)])];
  }, (path) => path.includes("id-slow") ? held.promise : undefined);
  const stop = new AbortController();
  const done = bed.watch.run(stop.signal);
  await bed.clock.advance(10_000);
  const stops = () => bed.engine.asked.filter((each) => each.endsWith("/stop"));
  assert.deepEqual(stops(), ["POST /containers/id-slow/stop", "POST /containers/id-next/stop"]);
  await bed.clock.advance(120_000);
  assert.equal(looks, 3, "the next looks come each minute");
  const slow = stops().filter((each) => each.includes("id-slow"));
  assert.deepEqual([slow.length, stops().at(-1)], [1, "POST /containers/id-late/stop"]);
  assert.equal(bed.notes.filter((each) => each.startsWith("slow")).length, 1);
  let ended = false;
  const end = done.then(() => void (ended = true));
  stop.abort();
  await bed.clock.advance(1_000);
  assert.equal(ended, false, "what was begun is waited for");
  held.resolve();
  await end;
});

Deno.test("DiskWatch gives an app over its limit ten seconds to stop at most", async () => {
  const bed = start(() => [sized("patient", 500, 0, 300), sized("quick", 500, 0, 3)]);
  await bed.look();
  const graces = bed.engine.requests.filter(({ path }) => path.endsWith("/stop")).map(({ query }) =>
    query?.["t"]
  );
  assert.deepEqual(graces, ["10", "3"]);
});

Deno.test("DiskWatch goes on when the engine does not answer, or does not stop an app", async () => {
  const fails = () => {
    throw engineFault("unavailable", "busy");
  };
  const silent = start(fails);
  const stop = new AbortController();
  const done = silent.watch.run(stop.signal);
  await silent.clock.advance(71_000);
  assert.equal(silent.engine.asked.length, 2);
  assert.match(silent.logs[0] ?? "", /disk of containers not read/);
  stop.abort();
  await done;
  const stuck = start(() => [sized("a", 500), sized("b", 500)], fails);
  await stuck.look();
  assert.deepEqual(stuck.engine.asked.slice(1), ["POST /containers/id-a/stop", "POST /containers/id-b/stop"]);
  assert.equal(stuck.logs.filter((line) => line.includes("app not replaced")).length, 2);
});

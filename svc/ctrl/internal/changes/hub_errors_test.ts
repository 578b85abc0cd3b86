import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { Fault, isFault } from "../../../../pkg/fault/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { commit, item, open, POISON, testFeed, withHub, write } from "./testing.ts";

const test = testOnCtrlDatabases();

test("a row that cannot be converted is that resource's problem and stops no other", async (db) => {
  const { feed, control } = testFeed();
  control.onConvert = (row) => {
    if (row.desired_replicas === POISON) throw new Error("the password is hunter2");
  };
  const region = newDnsName(10);
  await commit(db, region, "a", POISON);
  await commit(db, region, "b", 1);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 0);
    const problem = await stream.nextChange();
    assert.equal(problem.kind, "problem");
    assert.doesNotMatch(JSON.stringify(problem), /hunter2/);
    assert.deepEqual(await stream.nextChange(), item("b", 2, 1));
    assert.deepEqual(await stream.nextChange(), { kind: "snapshot_end", version: 2, resources: 2 });
    await transact(db, async (tx) => {
      await write(tx, region, "b", POISON);
      await write(tx, region, "a", 5);
    });
    hub.changed([region]);
    assert.deepEqual([(await stream.nextChange()).kind, await stream.nextChange()], [
      "problem",
      item("a", 4, 5),
    ]);
    await stream.close();
  });
});

/** If the cursor moved although the change was not delivered, it would be lost for good. */
test("a transient error ends the streams with their cursors unmoved", async (db) => {
  const { feed, control } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  await withHub(db, async (hub) => {
    const stream = open(hub, feed, region, 1);
    assert.deepEqual(await stream.next(), { kind: "heartbeat", version: 1 });
    const lost = new Fault("unavailable", "lost the connection");
    let failing: "load" | "convert" | "none" = "load";
    control.onLoad = () => {
      if (failing === "load") throw lost;
    };
    control.onConvert = () => {
      if (failing === "convert") throw lost;
    };
    const ended = assert.rejects(stream.nextChange(), (error) => isFault(error, "unavailable"));
    await commit(db, region, "a", 2);
    await ended;
    await stream.close();
    for (failing of ["load", "convert"] as const) {
      for (const cursor of [0, 1]) {
        // A snapshot loads nothing by id.
        if (failing === "load" && cursor === 0) continue;
        const cut = open(hub, feed, region, cursor);
        await assert.rejects(
          cut.nextChange(),
          (error) => isFault(error, "unavailable"),
          `${failing} ${cursor}`,
        );
      }
    }
    failing = "none";
    const again = open(hub, feed, region, 1);
    assert.deepEqual(await again.nextChange(), item("a", 2, 2));
    await again.close();
  }, { heartbeatMs: 30 });
});

test("a hub that stops ends its streams as unavailable, and takes no new ones", async (db) => {
  const { feed } = testFeed();
  await withHub(db, async (hub, stop) => {
    const stream = open(hub, feed, newDnsName(10), 0);
    await stream.nextChange();
    const ended = assert.rejects(stream.next(), (error) => isFault(error, "unavailable"));
    await stop();
    await ended;
    await assert.rejects(open(hub, feed, "x", 0).next(), (error) => isFault(error, "unavailable"));
  });
});

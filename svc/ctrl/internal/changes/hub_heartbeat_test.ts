import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { newDnsName } from "../../../../pkg/uid/mod.ts";
import { testOnCtrlDatabases } from "../store/testing.ts";
import { AS_IT_IS, commit, testFeed, withHub } from "./testing.ts";
import { appendChanges } from "./mod.ts";

const test = testOnCtrlDatabases();

/** A heartbeat also says up to where the stream has seen everything, and that must not stand still. */
test("heartbeats bypass a waiting stream, and go through it when its cursor has to move", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  /** Something that this feed does not show. */
  const commitOther = () =>
    transact(db, (tx) => appendChanges(tx, region, [{ resourceType: "sentinel", resourceId: "s" }], 1));
  await withHub(db, async (hub) => {
    const stop = new AbortController();
    const beside = new Map([1, 2].map((version) => [version, Promise.withResolvers<void>()]));
    const stream = hub.watch(feed, { region, sinceVersion: 1, signal: stop.signal }, {
      ...AS_IT_IS,
      sendNow: (event) => {
        beside.get(event.version)?.resolve();
        return true;
      },
    });
    const through = (async () => {
      for await (const event of stream) if (event.version > 1) return event;
      return undefined;
    })();
    await beside.get(1)?.promise;
    await commitOther();
    await beside.get(2)?.promise;
    // The feed extends its last batch, and wakes no stream for it.
    await commitOther();
    assert.deepEqual(await through, { kind: "heartbeat", version: 3 });
    stop.abort();
  }, { heartbeatMs: 30 });
});

/** A sentinel sees a small part of all routes; without heartbeats the server would look dead. */
test("a stream has its heartbeats also when it shows none of the changes", async (db) => {
  const { feed } = testFeed();
  const region = newDnsName(10);
  await commit(db, region, "a", 1);
  await withHub(db, async (hub) => {
    const stop = new AbortController();
    const stream = hub.watch(feed, { region, sinceVersion: 1, signal: stop.signal }, {
      toMessage: (event) => event.kind === "heartbeat" ? event : undefined,
    });
    let beats = 0;
    const counting = (async () => {
      for await (const { version } of stream) if (version > 1) beats++;
    })();
    try {
      for (let n = 0; beats < 3; n++) {
        assert.ok(n < 2_000, "no heartbeats while something changes");
        await commit(db, region, "a", n);
        hub.changed([region]);
        await systemClock().sleep(1);
      }
    } finally {
      stop.abort();
      await counting;
    }
  }, { heartbeatMs: 100 });
});

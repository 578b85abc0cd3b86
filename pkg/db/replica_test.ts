import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { type Clock, systemClock } from "../clock/mod.ts";
import { isFault } from "../fault/mod.ts";
import { createLogger } from "../logger/mod.ts";
import { hasMysqlServer } from "../testkit/mariadb.ts";
import { delay, PrivateMariadb, startPair } from "../testkit/private_mariadb.ts";
import { type Database, openDatabase, transact, withReplica } from "./mod.ts";
import { positionsOfVersion } from "./replica_position.ts";

interface Tables {
  notes: { id: number };
}

const PRIMARY = 1;
const REPLICA = 2;
/** Longer than after a failure. */
const LATER_MS = 60_000;
const HOUR_SECONDS = 3_600;

interface Bed {
  readonly db: Database<Tables>;
  readonly clock: MovedClock;
  readonly lines: string[];
}

/** A clock that a test moves. */
class MovedClock implements Clock {
  #nowMs = 0;

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock().sleep(ms, signal);
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

async function open(primary: PrivateMariadb, replica: PrivateMariadb): Promise<Bed> {
  const [clock, lines] = [new MovedClock(), [] as string[]];
  const db = withReplica({
    primary: await openDatabase<Tables>(primary.url("pair")),
    replica: await openDatabase<Tables>(replica.url("pair"), { connectMsMax: 2_000 }),
    clock,
    log: createLogger({ service: "test", level: "info", write: (line) => void lines.push(line) }),
  });
  return { db, clock, lines };
}

/** The server that answered, and the number of rows that it saw. */
async function look(db: Kysely<Tables>): Promise<{ server: number; rows: number }> {
  const { rows: [row] } = await sql<{ server: number; seen: number }>`
    select @@server_id as server, (select count(*) from notes) as seen`.execute(db);
  assert.ok(row !== undefined);
  return { server: row.server, rows: row.seen };
}

let next = 0;
async function write(db: Database<Tables>): Promise<number> {
  const id = ++next;
  await transact(db, (tx) => tx.insertInto("notes").values({ id }).execute());
  return id;
}

/** Waits for the replica to be read. */
async function recovered({ db, clock }: Bed): Promise<void> {
  for (let tries = 0; (await db.read(look)).server !== REPLICA; tries++) {
    assert.ok(tries < 500, "the replica is not read");
    clock.advance(LATER_MS);
  }
}

Deno.test({
  name: "a replica answers reads, and each read sees all that was committed before it began",
  ignore: !hasMysqlServer(),
  fn: async (t) => {
    const { primary, replica } = await startPair();
    await using stack = new AsyncDisposableStack();
    stack.use(primary);
    stack.use(replica);
    await primary.administrate("create database pair");
    await primary.administrate("create table pair.notes (id int primary key)");
    const bed = await open(primary, replica);
    stack.defer(() => bed.db.close());
    const { db, clock, lines } = bed;
    await recovered(bed);
    lines.length = 0;

    await t.step("read after write", async () => {
      let onReplica = 0;
      for (let n = 0; n < 100; n++) {
        const written = await write(db);
        const { server, rows } = await db.read(look);
        assert.equal(rows, written);
        if (server === REPLICA) onReplica++;
        else clock.advance(LATER_MS);
      }
      assert.ok(onReplica > 50, `only ${onReplica} of 100 reads were the replica's`);
    });

    await t.step("many callers at once", async () => {
      await recovered(bed);
      // Ids are given in another order than commits end: a caller counts the rows whose commit it knows.
      let committed = next;
      await Promise.all(Array.from({ length: 40 }, async () => {
        await write(db);
        const before = ++committed;
        const { rows } = await db.read(look);
        assert.ok(rows >= before, `${rows} of ${before}`);
      }));
    });

    await t.step("a replica that lags: the primary is read, and that is logged once", async () => {
      await recovered(bed);
      lines.length = 0;
      await delay(replica, HOUR_SECONDS);
      for (let n = 0; n < 5; n++) {
        const written = await write(db);
        assert.deepEqual(await db.read(look), { server: PRIMARY, rows: written });
        clock.advance(LATER_MS);
      }
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", /the replica is not read.*more than 250 ms behind/);
      await delay(replica, 0);
      await recovered(bed);
      assert.match(lines.at(-1) ?? "", /the replica is read again/);
    });

    await t.step("a replica that is gone: the same, and it is used when it is back", async () => {
      lines.length = 0;
      await replica.kill();
      for (let n = 0; n < 5; n++) {
        const written = await write(db);
        assert.deepEqual(await db.read(look), { server: PRIMARY, rows: written });
        clock.advance(LATER_MS);
      }
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", /the replica is not read/);
      await replica.restart();
      await recovered(bed);
      assert.equal((await db.read(look)).rows, next);
    });

    await t.step("a primary that is gone: reads fail", async () => {
      await primary.kill();
      await assert.rejects(db.read(look), (error) => isFault(error, "unavailable"));
    });
  },
});

Deno.test({
  name: "a primary without a log of changes is read itself, because nothing says how far a replica is",
  ignore: !hasMysqlServer(),
  fn: async () => {
    await using server = await PrivateMariadb.start(["--server-id=1"]);
    await server.administrate("create database pair");
    await server.administrate("create table pair.notes (id int primary key)");
    const { db, lines } = await open(server, server);
    try {
      assert.equal((await db.read(look)).server, PRIMARY);
      assert.match(lines.join(), /has no GTID position: it needs a binary log/);
    } finally {
      await db.close();
    }
  },
});

Deno.test("positionsOfVersion() knows the functions of both kinds of server", () => {
  assert.equal(positionsOfVersion("10.11.14-MariaDB-0+deb12u2-log").wait, "master_gtid_wait");
  assert.equal(positionsOfVersion("8.4.6").wait, "wait_for_executed_gtid_set");
  assert.equal(positionsOfVersion("8.0.30-Vitess").variable, "@@global.gtid_executed");
});

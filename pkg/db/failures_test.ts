import assert from "node:assert/strict";
import { type Kysely, sql } from "kysely";
import { systemClock } from "../clock/mod.ts";
import { Secret } from "../config/mod.ts";
import { describeError, isFault } from "../fault/mod.ts";
import { hasMysqlServer, mysqlServer, type TestMysqlServer, type TestSchema } from "../testkit/mariadb.ts";
import { type Database, openDatabase, ping, prepared, transact } from "./mod.ts";

interface Tables {
  notes: { id: string; text: string };
}

let server: TestMysqlServer | undefined;
let schema: TestSchema | undefined;
Deno.test.beforeAll(async () => {
  server = await mysqlServer();
  schema = await server?.createSchema();
});
Deno.test.afterAll(async () => await schema?.drop());

async function connectionId(db: Kysely<Tables>): Promise<number> {
  const { rows } = await sql<{ id: number }>`select connection_id() as id`.execute(db);
  return rows[0]?.id ?? 0;
}

/** A machine that is busy may need longer for a new connection than a statement may take. */
async function answersAgain(db: Database<Tables>): Promise<void> {
  for (let tries = 1;; tries++) {
    const problem = await ping(db).then(() => undefined, (error: unknown) => error);
    if (problem === undefined) return;
    if (tries === 100) throw problem;
  }
}

/** A connection dies whenever the server restarts; a pool that keeps it fails for ever. */
Deno.test(
  "a lost connection is unavailable once, and the next call works",
  { ignore: !hasMysqlServer() },
  async () => {
    assert.ok(server !== undefined && schema !== undefined);
    const db = await openDatabase<Tables>(schema.url, { connectionsMax: 1 });
    try {
      await sql`create table notes (id varchar(9) primary key, text varchar(9) not null)`.execute(db.kysely);
      for (let round = 0; round < 3; round++) {
        let attempts = 0;
        await assert.rejects(
          transact(db, async (tx) => {
            attempts++;
            await tx.insertInto("notes").values({ id: "a", text: "lost" }).execute();
            await server?.administrate(`kill ${await connectionId(tx)}`);
            await tx.insertInto("notes").values({ id: "b", text: "lost" }).execute();
          }),
          (error) => isFault(error, "unavailable"),
        );
        assert.equal(attempts, 1, "what may have been committed is not repeated");
        assert.deepEqual(await db.kysely.selectFrom("notes").selectAll().execute(), []);
      }
      await server.administrate(`kill ${await connectionId(db.kysely)}`);
      await ping(db).catch((error: unknown) => assert.ok(isFault(error, "unavailable")));
      await ping(db);
    } finally {
      await db.close();
    }
  },
);

Deno.test("a statement that takes too long is given up, and its connection with it", {
  ignore: !hasMysqlServer(),
}, async () => {
  assert.ok(schema !== undefined);
  const db = await openDatabase<Tables>(schema.url, { connectionsMax: 1, queryMsMax: 200 });
  try {
    // The statement takes a day, far over its limit.
    await assert.rejects(
      sql`select sleep(86400)`.execute(db.kysely),
      (error) => isFault(error, "unavailable"),
    );
    await answersAgain(db);
  } finally {
    await db.close();
  }
});

/** A relay to the server that can hang: bytes that are sent from then on never arrive. */
function hangingRelay(port: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let hangs = false;
  const directions: Promise<unknown>[] = [];
  const accepting = (async () => {
    for await (const from of listener) {
      const to = await Deno.connect({ hostname: "127.0.0.1", port });
      const filter = new TransformStream<Uint8Array, Uint8Array>({
        transform: (bytes, controller) => hangs ? undefined : controller.enqueue(bytes),
      });
      directions.push(from.readable.pipeThrough(filter).pipeTo(to.writable).catch(() => undefined));
      directions.push(to.readable.pipeTo(from.writable).catch(() => undefined));
    }
  })();
  return {
    port: listener.addr.port,
    hang: () => void (hangs = true),
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
      await Promise.all(directions);
    },
  };
}

/** A statement is prepared before it is run, and that wait has the same limit as any other. */
Deno.test(
  "a statement whose preparing is never answered is given up",
  { ignore: !hasMysqlServer() },
  async () => {
    assert.ok(schema !== undefined);
    const url = new URL(schema.url.reveal());
    await using relay = hangingRelay(Number(url.port));
    url.port = String(relay.port);
    const db = await openDatabase<Tables>(new Secret(url.href), { connectionsMax: 1, queryMsMax: 500 });
    try {
      await answersAgain(db);
      relay.hang();
      await assert.rejects(
        db.kysely.executeQuery(prepared("select 1", [])),
        (error) => isFault(error, "unavailable"),
      );
    } finally {
      await db.close();
    }
  },
);

Deno.test("a wrong password says so without naming it", { ignore: !hasMysqlServer() }, async () => {
  assert.ok(server !== undefined && schema !== undefined);
  const url = new URL(schema.url.reveal());
  await server.administrate("create or replace user locked@127.0.0.1 identified by 'right'");
  url.username = "locked";
  url.password = "hunter2";
  const db = await openDatabase<Tables>(new Secret(url.href));
  try {
    await assert.rejects(ping(db), (error) => {
      assert.ok(isFault(error, "failed_precondition"));
      assert.match(error.publicMessage ?? "", /password/);
      assert.doesNotMatch(`${describeError(error)} ${error.publicMessage}`, /hunter2/);
      return true;
    });
  } finally {
    await db.close();
  }
});

Deno.test("a statement's values are in no text of its error", { ignore: !hasMysqlServer() }, async () => {
  assert.ok(schema !== undefined);
  const db = await openDatabase<Tables>(schema.url);
  try {
    await assert.rejects(
      sql`insert into nowhere (secret) values (${"hunter2"})`.execute(db.kysely),
      (error) => {
        assert.ok(isFault(error, "internal"));
        assert.doesNotMatch(Deno.inspect(error, { depth: 9 }), /hunter2/);
        return true;
      },
    );
  } finally {
    await db.close();
  }
});

async function withFile(fn: (url: Secret) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-sqlite-" });
  try {
    await fn(new Secret(`sqlite://${folder}/test.db`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const NOTES = sql`create table if not exists notes (id text primary key, text text not null) strict`;

/** Api and worker may be two processes on one file; each opens it by itself. */
Deno.test("two processes on one SQLite file wait for each other's transactions", async () => {
  await withFile(async (url) => {
    const [one, two] = [await openDatabase<Tables>(url), await openDatabase<Tables>(url)];
    try {
      await NOTES.execute(one.kysely);
      const held = Promise.withResolvers<void>();
      const slow = transact(one, async (tx) => {
        await tx.insertInto("notes").values({ id: "a", text: "slow" }).execute();
        held.resolve();
        await systemClock().sleep(200);
      });
      await held.promise;
      await Promise.all([
        transact(two, (tx) => tx.insertInto("notes").values({ id: "b", text: "waited" }).execute()),
        two.kysely.insertInto("notes").values({ id: "c", text: "waited too" }).execute(),
        slow,
      ]);
      const rows = await two.kysely.selectFrom("notes").select("id").orderBy("id").execute();
      assert.deepEqual(rows.map((row) => row.id), ["a", "b", "c"]);
    } finally {
      await one.close();
      await two.close();
    }
  });
});

Deno.test("a statement that waits too long for the writer fails as unavailable", async () => {
  await withFile(async (url) => {
    const db = await openDatabase<Tables>(url, { waitMsMax: 30 });
    try {
      await NOTES.execute(db.kysely);
      const held = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const slow = transact(db, async () => {
        held.resolve();
        await release.promise;
      });
      await held.promise;
      await assert.rejects(
        db.kysely.insertInto("notes").values({ id: "a", text: "x" }).execute(),
        (error) => isFault(error, "unavailable") && /busy/.test(error.publicMessage ?? ""),
      );
      assert.deepEqual(await db.kysely.selectFrom("notes").selectAll().execute(), [], "readers do not wait");
      release.resolve();
      await slow;
      await db.kysely.insertInto("notes").values({ id: "a", text: "x" }).execute();
    } finally {
      await db.close();
    }
  });
});

Deno.test("a file that cannot be opened is named, with the next step", async () => {
  const missing = await openDatabase<Tables>(new Secret("sqlite:///nowhere/at/all.db"));
  await assert.rejects(
    ping(missing),
    (error) =>
      isFault(error, "failed_precondition") &&
      /\/nowhere\/at\/all\.db.*folder/.test(error.publicMessage ?? ""),
  );
  await missing.close();
});

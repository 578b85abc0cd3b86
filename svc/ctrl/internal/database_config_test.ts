import assert from "node:assert/strict";
import { sql } from "kysely";
import { systemClock } from "../../../pkg/clock/mod.ts";
import { loadConfig } from "../../../pkg/config/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../pkg/logger/mod.ts";
import { hasMysqlServer, mysqlServer } from "../../../pkg/testkit/mariadb.ts";
import { DATABASE_FIELDS, type DatabaseConfig, openConfiguredDatabase } from "./database_config.ts";

const process = { log: silentLogger(), clock: systemClock() };

function config(env: Readonly<Record<string, string>>): DatabaseConfig {
  return loadConfig(DATABASE_FIELDS, { flags: new Map(), env: (name) => env[name], readFile: () => "" });
}

Deno.test("the settings of the database have defaults, and bounds", () => {
  const { databasePrimary, databaseReplica, ...others } = config({
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
  });
  assert.equal(databasePrimary.reveal(), "sqlite::memory:");
  assert.equal(databaseReplica, undefined);
  assert.deepEqual(others, {
    databaseCaFile: undefined,
    migrate: true,
    databasePoolSize: 16,
    databaseQueueMax: 5_000,
    databaseIdleMs: 60_000,
    databaseWaitMs: 15_000,
    databaseConnectMs: 5_000,
    databaseStatementMs: 30_000,
  });
  const wrong = { UNKEY_DATABASE_POOL_SIZE: "0", UNKEY_DATABASE_WAIT: "soon", UNKEY_DATABASE_IDLE: "9h" };
  assert.throws(() => config(wrong), (error) => {
    assert.ok(isFault(error, "invalid_argument"));
    for (const name of ["PRIMARY", "POOL_SIZE", "WAIT", "IDLE"]) {
      assert.match(error.message, new RegExp(`UNKEY_DATABASE_${name}\\b`));
    }
    return true;
  });
});

Deno.test("openConfiguredDatabase() names the setting of an authority that cannot be read", async () => {
  const settings = config({
    UNKEY_DATABASE_PRIMARY: "sqlite::memory:",
    UNKEY_DATABASE_CA_FILE: "/nowhere/ca.pem",
  });
  await assert.rejects(
    openConfiguredDatabase(settings, process),
    (error) => isFault(error, "failed_precondition") && /--database-ca-file/.test(error.message),
  );
});

Deno.test({
  name: "openConfiguredDatabase() gives the pool its bounds",
  ignore: !hasMysqlServer(),
  fn: async () => {
    const schema = await (await mysqlServer())?.createSchema();
    assert.ok(schema !== undefined);
    const db = await openConfiguredDatabase(
      config({
        UNKEY_DATABASE_PRIMARY: schema.url.reveal(),
        UNKEY_DATABASE_POOL_SIZE: "1",
        UNKEY_DATABASE_QUEUE_MAX: "1",
        UNKEY_DATABASE_STATEMENT: "1s",
      }),
      process,
    );
    try {
      const sleep = (seconds: number) => sql`select sleep(${seconds})`.execute(db.kysely);
      const [running, waiting, refused] = [sleep(0.2), sleep(0), sleep(0)];
      await assert.rejects(refused, (error) => isFault(error, "unavailable"));
      await Promise.all([running, waiting]);
      await assert.rejects(sleep(86_400), (error) => isFault(error, "unavailable"));
    } finally {
      await db.close();
      await schema.drop();
    }
  },
});

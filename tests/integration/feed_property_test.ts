import { Secret } from "../../pkg/config/mod.ts";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { type PropertyResult, runProperty } from "./feed_property.ts";

/** The bench does the full 100,000; this is what is quick enough for every change of the code. */
const CHANGES = Number(Deno.env.get("UNKEY_TEST_FEED_CHANGES") ?? 10_000);
const SEED = Number(Deno.env.get("UNKEY_TEST_FEED_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0]);

async function prove(databaseUrl: Secret): Promise<void> {
  const result: PropertyResult = await runProperty({ databaseUrl, seed: SEED, changes: CHANGES });
  // deno-lint-ignore no-console -- with a failure, it says how to repeat it
  console.log(`seed ${SEED}: ${JSON.stringify(result)}`);
}

Deno.test("every agent ends with exactly what is desired, and nothing goes back (SQLite)", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-feed-" });
  try {
    await prove(new Secret(`sqlite://${folder}/ctrl.db`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every agent ends with exactly what is desired, and nothing goes back (MySQL)", {
  ignore: !hasMysqlServer(),
}, async () => {
  const schema = await (await mysqlServer())?.createSchema();
  if (schema === undefined) throw new Error("no MySQL-compatible server is installed");
  try {
    await prove(schema.url);
  } finally {
    await schema.drop();
  }
});

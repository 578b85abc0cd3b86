import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { runContentProperty } from "./content_store_property.ts";

const STEPS = Number(Deno.env.get("UNKEY_TEST_CONTENT_STEPS") ?? 120);
const SEED = Number(Deno.env.get("UNKEY_TEST_CONTENT_SEED") ?? 20_261_129);

async function prove(databaseUrl: Secret): Promise<void> {
  try {
    await runContentProperty({ databaseUrl, seed: SEED, steps: STEPS });
  } catch (cause) {
    throw new Error(`UNKEY_TEST_CONTENT_SEED=${SEED} UNKEY_TEST_CONTENT_STEPS=${STEPS}`, { cause });
  }
}

Deno.test("no active deployment ever lacks a chunk, and at the end nothing is left (SQLite)", () =>
  prove(new Secret("sqlite::memory:")));

Deno.test("no active deployment ever lacks a chunk, and at the end nothing is left (MySQL)", {
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

/** Processes of the control plane that start at once migrate one database. */
import assert from "node:assert/strict";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const PROCESSES = 5;

interface Migrated {
  readonly code: number;
  readonly applied: readonly string[];
  readonly stderr: string;
}

async function migrate(url: string): Promise<Migrated> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", MAIN, "ctrl", "migrate", "--json"],
    env: { UNKEY_DATABASE_PRIMARY: url },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const applied = code === 0 ? JSON.parse(decoder.decode(stdout)).applied : [];
  return { code, applied, stderr: decoder.decode(stderr) };
}

async function migrateAtOnce(url: string): Promise<void> {
  const results = await Promise.all(Array.from({ length: PROCESSES }, () => migrate(url)));
  for (const { code, stderr } of results) assert.equal(code, 0, stderr);
  // One may end between two others, but each migration is applied by one of them.
  const applied = results.flatMap((each) => each.applied);
  assert.deepEqual(applied.toSorted(), await migrationFiles());
  assert.deepEqual((await migrate(url)).applied, []);
}

async function migrationFiles(): Promise<readonly string[]> {
  const folder = new URL("../../svc/ctrl/internal/store/migrations/", import.meta.url);
  const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return files.filter((name) => /^\d{4}_.*\.ts$/.test(name)).map((name) => name.replace(/\.ts$/, ""))
    .toSorted();
}

Deno.test("five processes migrate one SQLite file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-test-sqlite-" });
  try {
    await migrateAtOnce(`sqlite://${folder}/unkey.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "five processes migrate one database of MariaDB",
  ignore: !hasMysqlServer(),
  fn: async () => {
    const schema = await (await mysqlServer())?.createSchema();
    assert.ok(schema !== undefined);
    try {
      await migrateAtOnce(schema.url.reveal());
    } finally {
      await schema.drop();
    }
  },
});

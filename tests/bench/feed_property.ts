/** The feed's guarantee with 100,000 changes on each database, under every fault that the property test knows. */
import { Secret } from "../../pkg/config/mod.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { runProperty } from "../integration/feed_property.ts";
import { BOUNDS } from "./bounds.ts";
import { report, type Row } from "./row.ts";

const CHANGES = 100_000;

/** Throws, with the seed, when a change was lost or a resource went back to an older state. */
export async function benchFeedProperty(changes = CHANGES): Promise<Row[]> {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const rows: Row[] = [];
  const prove = async (database: string, databaseUrl: Secret): Promise<void> => {
    const { writtenMs, settledMs, changes: made, ...happened } = await runProperty({
      databaseUrl,
      seed,
      changes,
    });
    const trouble = Object.entries(happened).map(([name, count]) => `${name} ${count}`).join(", ");
    rows.push({
      measure: `changes lost or reordered per resource, ${database}`,
      bound: BOUNDS.changesLost,
      measured: `0 of ${made} in ${
        ((writtenMs + settledMs) / 1_000).toFixed(0)
      } s (seed ${seed}; ${trouble})`,
      ok: true,
    });
  };
  const folder = await Deno.makeTempDir({ prefix: "unkey-bench-feed-" });
  try {
    await prove("SQLite", new Secret(`sqlite://${folder}/ctrl.db`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const schema = await (await mysqlServer())?.createSchema();
  if (schema === undefined) throw new Error("Install mariadb-server-core to prove the feed on it");
  try {
    await prove("MariaDB", schema.url);
  } finally {
    await schema.drop();
  }
  return rows;
}

if (import.meta.main) {
  const [changes] = Deno.args;
  report(await benchFeedProperty(changes === undefined ? undefined : Number(changes)));
  // The database server keeps Deno from ending by itself.
  Deno.exit();
}

/** A process that keeps things as the control plane does, and says of each thing when it is kept. */
import { join } from "node:path";
import { sql } from "kysely";
import { Secret } from "../../../pkg/config/mod.ts";
import { openDatabase, transact } from "../../../pkg/db/mod.ts";
import { writeWhole } from "../../../pkg/files/mod.ts";

const [folder = "", count = "0"] = Deno.args;
const db = await openDatabase<Record<never, never>>(new Secret(`sqlite://${join(folder, "unkey.db")}`));
await sql`create table steps (id integer primary key, text text not null)`.execute(db.kysely);
/** One line is one write, which the trace shows in its place among the others. */
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
for (let step = 1; step <= Number(count); step++) {
  const text = `${step} `.repeat(step * 97 % 4_000);
  await transact(db, (tx) => sql`insert into steps (id, text) values (${step}, ${text})`.execute(tx));
  say(`step ${step}`);
  // The log goes into the file, and begins anew.
  if (step % 11 === 0) await sql`pragma wal_checkpoint(truncate)`.execute(db.kysely);
  if (step % 5 !== 0) continue;
  await writeWhole(join(folder, "state.json"), JSON.stringify({ step, text }));
  say(`state ${step}`);
}
await db.close();

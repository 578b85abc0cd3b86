import { defineCommand } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { MIGRATE_FIELDS } from "../../svc/ctrl/migrate/config.ts";
import { runMigrate } from "../../svc/ctrl/migrate/run.ts";
import { DATABASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD } from "../shared/output.ts";

/** `unkey ctrl migrate` */
export const command = defineCommand({
  exitCodes: DATABASE_EXITS,
  fields: {
    ...MIGRATE_FIELDS,
    json: JSON_FIELD,
  },
  notes: "Safe to repeat, and to run by several processes at once: one works, the others wait.",
  async run({ config }, { clock, stdout }) {
    const applied = await runMigrate(config, { log: silentLogger(), clock });
    if (config.json) stdout(`${JSON.stringify({ applied })}\n`);
    else if (applied.length === 0) stdout("The database is up to date.\n");
    else stdout(applied.map((name) => `applied ${name}\n`).join(""));
  },
});

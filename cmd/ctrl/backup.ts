import { resolve } from "node:path";
import { defineCommand } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { BACKUP_FIELDS } from "../../svc/ctrl/backup/config.ts";
import { runBackup } from "../../svc/ctrl/backup/run.ts";
import { DATABASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

/** `unkey ctrl backup <folder>` */
export const command = defineCommand({
  exitCodes: DATABASE_EXITS,
  fields: { ...BACKUP_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "folder", help: "New folder for the backup.", required: true }],
  notes:
    `Everything goes on meanwhile; the backup is of one moment. It holds sealed secrets and hashes of keys, and is of no use
without the master keys (UNKEY_VAULT_MASTER_KEYS), which it does not hold. See docs/operate/backup.md.`,
  async run({ config, positionals: [given = ""] }, { clock, cwd, stdout }) {
    const folder = resolve(cwd, given);
    const { takenAtMs, tables } = await runBackup(config, folder, { clock, log: silentLogger() });
    const rows = tables.reduce((sum, each) => sum + each.rows, 0);
    const takenAt = new Date(takenAtMs).toISOString();
    if (config.json) stdout(jsonLine({ folder, takenAt, tables: tables.length, rows }));
    else stdout(`${rows} rows of ${tables.length} tables, of ${takenAt}, are in ${folder}\n`);
  },
});

import { resolve } from "node:path";
import { defineCommand } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { BACKUP_FIELDS } from "../../svc/ctrl/backup/config.ts";
import { runRestore } from "../../svc/ctrl/backup/run.ts";
import { DATABASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

/** `unkey ctrl restore <folder>` */
export const command = defineCommand({
  exitCodes: DATABASE_EXITS,
  fields: { ...BACKUP_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "folder", help: "Folder that ctrl backup has written.", required: true }],
  notes:
    `The database must be empty, and no api and no worker may run on it. Apps run on. Deployments that had not ended at the
time of the backup are failed. See docs/operate/backup.md.`,
  async run({ config, positionals: [given = ""] }, { clock, cwd, stdout }) {
    const folder = resolve(cwd, given);
    const { takenAtMs, rows, unfinished } = await runRestore(config, folder, { clock, log: silentLogger() });
    const takenAt = new Date(takenAtMs).toISOString();
    if (config.json) return void stdout(jsonLine({ folder, takenAt, rows, unfinished }));
    const failed = unfinished.length === 0
      ? ""
      : `failed, since they had not ended: ${unfinished.join(", ")}\n`;
    stdout(`${rows} rows of ${takenAt} are restored\n${failed}`);
  },
});

import { resolve } from "node:path";
import { defineCommand } from "../../pkg/cli/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { RESTORE_FIELDS } from "../../svc/ctrl/backup/config.ts";
import { type Restored, runRestore } from "../../svc/ctrl/backup/run.ts";
import { DATABASE_EXITS } from "../shared/exit_codes.ts";
import { JSON_FIELD, jsonLine } from "../shared/output.ts";

/** `unkey ctrl restore <folder>` */
export const command = defineCommand({
  exitCodes: DATABASE_EXITS,
  fields: { ...RESTORE_FIELDS, json: JSON_FIELD },
  positionals: [{ name: "folder", help: "Folder that ctrl backup has written.", required: true }],
  notes:
    `The database must be empty, and no api and no worker may run on it. Apps run on. Deployments that had not ended at the
time of the backup are failed. Keys and tokens that were revoked after the backup are good again: revoke them once more.
A restore that breaks off leaves a database on which nothing starts: run it again. See docs/operate/backup.md.`,
  async run({ config, positionals: [given = ""] }, { clock, cwd, stdout }) {
    const folder = resolve(cwd, given);
    const { takenAtMs, ...restored } = await runRestore(config, folder, { clock, log: silentLogger() });
    const takenAt = new Date(takenAtMs).toISOString();
    if (config.json) stdout(jsonLine({ folder, takenAt, ...restored }));
    else stdout(describe(restored, takenAt));
  },
});

function describe(restored: Omit<Restored, "takenAtMs">, takenAt: string): string {
  const { rows, unfinished, rootKeys, regionTokens, revokedRegionTokens } = restored;
  const lines = [`${rows} rows of ${takenAt} are restored`];
  if (unfinished.length > 0) lines.push(`failed, since they had not ended: ${unfinished.join(", ")}`);
  if (revokedRegionTokens > 0) lines.push(`${revokedRegionTokens} region tokens are revoked: make new ones`);
  lines.push(
    `${rootKeys} root keys and ${regionTokens} region tokens are good, as of ${takenAt}: ` +
      "revoke again those that were revoked since",
  );
  return lines.map((line) => `${line}\n`).join("");
}

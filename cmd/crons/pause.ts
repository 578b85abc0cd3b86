/** `unkey crons pause` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { projectFile } from "../shared/project_file.ts";
import { CRON_FIELDS, CRON_WORD, setPause } from "./set_pause.ts";

export const command = defineCommand({
  fields: CRON_FIELDS,
  positionals: [CRON_WORD],
  notes:
    `It has no planned runs from now on, also of later deployments, until "unkey crons resume". A run that goes on is left
alone: "unkey cancel <run>" ends it. "unkey run --cron <name>" still runs it.`,
  file: (_words, process) => projectFile(process),
  run: ({ config, positionals: [name = ""] }, process) => setPause(config, process, { name, pause: true }),
});

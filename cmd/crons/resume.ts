/** `unkey crons resume` */
import { defineCommand } from "../../pkg/cli/mod.ts";
import { projectFile } from "../shared/project_file.ts";
import { CRON_FIELDS, CRON_WORD, setPause } from "./set_pause.ts";

export const command = defineCommand({
  fields: CRON_FIELDS,
  positionals: [CRON_WORD],
  notes: `It runs next at its next planned time. Planned times of the pause are not made good.`,
  file: (_words, process) => projectFile(process),
  run: ({ config, positionals: [name = ""] }, process) => setPause(config, process, { name, pause: false }),
});

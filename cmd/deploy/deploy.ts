/** `unkey deploy`: a folder with a Dockerfile, or an image, becomes a URL that serves it. */
import { defineCommand, type ExitCode } from "../../pkg/cli/mod.ts";
import { DEPLOY_FIELDS } from "./config.ts";
import { runDeploy } from "./run_deploy.ts";
import { DEPLOY_EXITS, exitNotes } from "../shared/deploying/exit_codes.ts";
import { placeOf, settingsFolder } from "../shared/place.ts";
import { findProjectFile } from "../shared/project_file.ts";
import { reportDeploy } from "../shared/deploying/print_result.ts";
import { NOTHING_DONE } from "../shared/deploying/result.ts";

/** `unkey deploy` */
export const command = defineCommand({
  events: true,
  exitCodes: DEPLOY_EXITS,
  fields: DEPLOY_FIELDS,
  positionals: [{
    name: "folder",
    help: "Folder to build. Default: that of unkey.json, or its context; else this one.",
    required: false,
  }],
  notes: exitNotes(DEPLOY_EXITS),
  failure: NOTHING_DONE,
  file: ([folder], { cwd }) => findProjectFile(settingsFolder(folder, cwd)),
  async run({ config, positionals: [folder], file }, process): Promise<ExitCode> {
    const place = placeOf({
      folder,
      context: config.context,
      dockerfile: config.dockerfile,
      file,
      cwd: process.cwd,
    });
    return await reportDeploy(config, process, (report) => runDeploy({ config, place, process, report }));
  },
});

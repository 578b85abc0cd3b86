/** `unkey deploy`: a folder with a Dockerfile, or an image, becomes a URL that serves it. */
import { resolve } from "node:path";
import { defineCommand, type ExitCode } from "../../pkg/cli/mod.ts";
import { DEPLOY_FIELDS } from "./config.ts";
import { runDeploy } from "./run_deploy.ts";
import { EXIT_NOTES } from "../shared/deploying/exit_codes.ts";
import { projectFile } from "../shared/project_file.ts";
import { reportDeploy } from "../shared/deploying/print_result.ts";
import { NOTHING_DONE } from "../shared/deploying/result.ts";

/** `unkey deploy` */
export const command = defineCommand({
  fields: DEPLOY_FIELDS,
  positionals: [{ name: "folder", help: "Folder with the Dockerfile. Default: this one.", required: false }],
  notes: EXIT_NOTES,
  failure: NOTHING_DONE,
  file: ([folder], { cwd }) => projectFile(resolve(cwd, folder ?? ".")),
  async run({ config, positionals: [given = "."] }, process): Promise<ExitCode> {
    const folder = resolve(process.cwd, given);
    return await reportDeploy(config, process, (report) => runDeploy({ config, folder, process, report }));
  },
});

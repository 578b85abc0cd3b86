/** `unkey deploy`: a folder with a Dockerfile, or an image, becomes a URL that serves it. */
import { resolve } from "node:path";
import { defineCommand, type ExitCode } from "../../pkg/cli/mod.ts";
import { DEPLOY_FIELDS } from "./config.ts";
import { runDeploy } from "./deploy_run.ts";
import { EXIT_NOTES } from "../shared/deploying/exit_codes.ts";
import { projectFile } from "../shared/project_file.ts";
import { Report } from "../shared/deploying/report.ts";
import { printResult } from "../shared/deploying/print_result.ts";
import { NOTHING_DONE } from "../shared/deploying/result.ts";

/** `unkey deploy` */
export const command = defineCommand({
  fields: DEPLOY_FIELDS,
  positionals: [{ name: "folder", help: "Folder with the Dockerfile. Default: this one.", required: false }],
  notes: EXIT_NOTES,
  failure: NOTHING_DONE,
  file: ([folder], { cwd }) => projectFile(resolve(cwd, folder ?? ".")),
  async run({ config, positionals: [folder] }, process): Promise<ExitCode> {
    using report = new Report(process);
    const result = await runDeploy({ config, folder: resolve(process.cwd, folder ?? "."), process, report });
    report.idle();
    printResult(result, config, process);
    return result.exitCode;
  },
});

/** `unkey deploy`: a folder with a Dockerfile, or an image, becomes a URL that serves it. */
import { resolve } from "node:path";
import { defineCommand, type ExitCode, paint, type Process } from "../../pkg/cli/mod.ts";
import { DEPLOY_FIELDS } from "./config.ts";
import { DeployRun } from "./deploy_run.ts";
import { EXIT_NOTES } from "./exit_codes.ts";
import { printable } from "../shared/output.ts";
import { Report } from "./report.ts";
import { type DeployResult, NOTHING_DONE } from "./result.ts";

/** `unkey deploy` */
export const command = defineCommand({
  fields: DEPLOY_FIELDS,
  positionals: [{ name: "folder", help: "Folder with the Dockerfile. Default: this one.", required: false }],
  notes: EXIT_NOTES,
  failure: NOTHING_DONE,
  async run({ config, positionals: [folder] }, process): Promise<ExitCode> {
    using report = new Report(process);
    const run = new DeployRun(config, resolve(process.cwd, folder ?? "."), process, report);
    const result = await run.execute();
    report.idle();
    if (result.error !== undefined) {
      // Whoever chose to stop watching has made no error.
      const mark = result.error.code === "interrupted" ? "" : `${paint(process).red("error")}: `;
      process.stderr(`${mark}${printable(result.error.message)}\n`);
    }
    if (config.json) process.stdout(`${JSON.stringify(result)}\n`);
    else if (result.error === undefined) printResult(result, config.detach, process);
    return result.exitCode;
  },
});

/** What a script takes from a deploy is on standard output; what else a person wants to know is not. */
function printResult(
  { id, urls, environment, project }: DeployResult,
  detached: boolean,
  process: Process,
): void {
  process.stderr(`   deployment ${id} of ${project} in ${environment}\n`);
  if (detached) {
    process.stderr(`   "unkey status ${id}" shows how far it is\n`);
    return process.stdout(`${id}\n`);
  }
  if (urls.length === 0) process.stderr("   it has no URL\n");
  for (const url of urls) process.stdout(`${url}\n`);
}

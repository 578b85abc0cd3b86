import { type ExitCode, paint, type Process, requestIdLine } from "../../../pkg/cli/mod.ts";
import { printable } from "../output.ts";
import { Report } from "./report.ts";
import type { DeployResult } from "./result.ts";

interface PrintSettings {
  readonly json: boolean;
  readonly detach: boolean;
}

/** Runs a deploy with a report on the terminal, and prints its result. */
export async function reportDeploy(
  settings: PrintSettings,
  process: Process,
  run: (report: Report) => Promise<DeployResult>,
): Promise<ExitCode> {
  using report = new Report(process);
  const result = await run(report);
  report.idle();
  printResult(result, settings, process);
  return result.exitCode;
}

/** Standard output gets only the part that a script needs: JSON, URLs, or an id. */
function printResult(result: DeployResult, { json, detach }: PrintSettings, process: Process): void {
  const { id, urls, live, environment, project, error } = result;
  if (error !== undefined) {
    // A user who chose to stop watching has made no error.
    const mark = error.code === "interrupted" ? "" : `${paint(process).red("error")}: `;
    process.stderr(`${mark}${printable(error.message)}\n${requestIdLine(error.request_id)}`);
  }
  if (live !== undefined) {
    process.stderr(`   live now: ${[live.id, ...live.urls.slice(0, 1)].join(", ")}\n`);
  }
  if (json) return process.stdout(`${JSON.stringify(result)}\n`);
  if (error !== undefined) return;
  process.stderr(`   deployment ${id} of ${project} in ${environment}\n`);
  if (detach) {
    process.stderr(`   "unkey status ${id}" shows how far it is\n`);
    return process.stdout(`${id}\n`);
  }
  if (urls.length === 0) process.stderr("   it has no URL\n");
  for (const url of urls) process.stdout(`${url}\n`);
}

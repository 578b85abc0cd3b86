import { type ExitCode, paint, type Process, requestIdLine } from "../../../pkg/cli/mod.ts";
import type { ConfigOf } from "../../../pkg/config/mod.ts";
import { DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { statusName } from "../deployment_view.ts";
import { jsonLine, printable } from "../output.ts";
import { receiptText } from "../switch_receipt.ts";
import { EventLines } from "./event_lines.ts";
import type { FOLLOW_FIELDS } from "./follow_fields.ts";
import { Report } from "./report.ts";
import type { DeployResult } from "./result.ts";

const READY = statusName(DeploymentStatus.READY);

type PrintSettings = Pick<ConfigOf<typeof FOLLOW_FIELDS>, "output" | "quiet">;

/** Runs a deploy with a report on the terminal, and prints its result. */
export async function reportDeploy(
  { output, quiet }: PrintSettings,
  process: Process,
  run: (report: Report) => Promise<DeployResult>,
): Promise<ExitCode> {
  const lines = output === "ndjson" ? new EventLines(process) : undefined;
  // Events say all that messages do.
  const messages = quiet || lines !== undefined ? { ...process, stderr: () => undefined } : process;
  using report = new Report(messages, lines);
  const result = await run(report);
  report.idle();
  printFailure(result, process);
  if (lines !== undefined) lines.result(result);
  else if (output === "json") process.stdout(jsonLine(result));
  else if (result.error === undefined) printText(result, { stdout: process.stdout, stderr: messages.stderr });
  return result.exitCode;
}

function printFailure({ live, error }: DeployResult, process: Process): void {
  if (error !== undefined) {
    // A user who chose to stop watching has made no error.
    const mark = error.code === "interrupted" ? "" : `${paint(process).red("error")}: `;
    process.stderr(`${mark}${printable(error.message)}\n${requestIdLine(error.request_id)}`);
  }
  if (live !== undefined) {
    process.stderr(`   live now: ${[live.id, ...live.urls.slice(0, 1)].join(", ")}\n`);
  }
}

/** Standard output gets only the part that a script needs: URLs, or the id of a deployment that is not ready. */
function printText(result: DeployResult, { stdout, stderr }: Pick<Process, "stdout" | "stderr">): void {
  const { id, status, urls, environment, project, receipt } = result;
  stderr(`   deployment ${id} of ${project} in ${environment}\n`);
  if (status !== READY) {
    stderr(`   it goes on: "unkey attach ${id}" follows it\n`);
    return stdout(`${id}\n`);
  }
  const switched = receipt === undefined ? "" : receiptText(receipt);
  if (switched !== "") stderr(`   ${switched}\n`);
  if (urls.length === 0) stderr("   it has no URL\n");
  for (const url of urls) stdout(`${url}\n`);
}

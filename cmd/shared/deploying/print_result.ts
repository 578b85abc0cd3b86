import { paint, type Process } from "../../../pkg/cli/mod.ts";
import { printable } from "../output.ts";
import type { DeployResult } from "./result.ts";

/** What a script takes from a deploy is on standard output; what else a person wants to know is not. */
export function printResult(
  result: DeployResult,
  { json, detach }: { readonly json: boolean; readonly detach: boolean },
  process: Process,
): void {
  const { id, urls, live, environment, project, error } = result;
  if (error !== undefined) {
    // Whoever chose to stop watching has made no error.
    const mark = error.code === "interrupted" ? "" : `${paint(process).red("error")}: `;
    process.stderr(`${mark}${printable(error.message)}\n`);
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

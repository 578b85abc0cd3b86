/** The instances of a deployment, and their troubles. */
import type { Deployment, DeploymentInstance } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { age, oneLine, printable, table } from "../shared/output.ts";

/** An instance in the JSON of `status`. Times are milliseconds since the epoch. */
export interface InstanceJson {
  readonly name: string;
  readonly region: string;
  readonly status: string;
  /** The trouble as a code, and as a sentence; absent when there is none. */
  readonly reason?: string;
  readonly message?: string;
  /** When the trouble began. */
  readonly since?: number;
  readonly restarts: number;
  readonly exitCode?: number;
  readonly output?: readonly string[];
  readonly lastEnd?: {
    readonly reason: string;
    readonly message: string;
    readonly exitCode: number;
    readonly at: number;
  };
}

export function instanceJson(instance: DeploymentInstance): InstanceJson {
  const { name, region, status, reason, message, restarts, exitCode, lastLogLines, lastEnd, troubleSince } =
    instance;
  return {
    name,
    region,
    status,
    ...(reason === "" ? {} : { reason }),
    ...(message === "" ? {} : { message }),
    ...(troubleSince === 0n ? {} : { since: Number(troubleSince) }),
    restarts,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(lastLogLines.length === 0 ? {} : { output: lastLogLines }),
    ...(lastEnd === undefined ? {} : {
      lastEnd: {
        reason: lastEnd.reason,
        message: lastEnd.message,
        exitCode: lastEnd.exitCode,
        at: Number(lastEnd.at),
      },
    }),
  };
}

const LINES_MAX = 5;
const OUT_OF_MEMORY = "oom_killed";

/** A row for each instance that has or had trouble, and its last lines; empty when all is well. */
export function troublesText(
  instances: readonly DeploymentInstance[],
  { nowMs, deployment }: { readonly nowMs: number; readonly deployment: Deployment },
): string {
  const troubled = instances.filter(({ reason, restarts, lastEnd }) =>
    reason !== "" || restarts > 0 || lastEnd !== undefined
  );
  if (troubled.length === 0) return "";
  const rows = troubled.map((each) => [
    oneLine(each.name),
    oneLine(each.region),
    each.reason === "" ? each.status : `${each.status} (${oneLine(each.reason)})`,
    String(each.restarts),
    troubleOf(each, nowMs),
  ]);
  const output = troubled.filter(({ lastLogLines }) => lastLogLines.length > 0).map((each) =>
    `\nlast output of ${oneLine(each.name)}:\n` +
    each.lastLogLines.slice(-LINES_MAX).map((line) => `  | ${printable(line)}\n`).join("")
  );
  const shown = table(["INSTANCE", "REGION", "STATUS", "RESTARTS", "TROUBLE"], rows);
  return `\n${shown}${memoryHint(troubled, deployment)}${output.join("")}`;
}

function memoryHint(troubled: readonly DeploymentInstance[], { environmentSlug }: Deployment): string {
  const killed = troubled.find(({ reason, lastEnd }) =>
    reason === OUT_OF_MEMORY || lastEnd?.reason === OUT_OF_MEMORY
  );
  if (killed === undefined || killed.memoryMib === 0n) return "";
  const environment = oneLine(environmentSlug);
  return `\nGive it more memory: unkey scale ${environment} --memory ${2n * killed.memoryMib}, then ` +
    `unkey redeploy --env ${environment}\n`;
}

function troubleOf({ message, lastEnd, troubleSince }: DeploymentInstance, nowMs: number): string {
  if (message !== "") {
    return troubleSince === 0n
      ? oneLine(message)
      : `for ${age(Number(troubleSince), nowMs)}: ${oneLine(message)}`;
  }
  if (lastEnd === undefined) return "";
  return `${age(Number(lastEnd.at), nowMs)} ago: ${oneLine(lastEnd.message)}`;
}

/** Shared by start, stop, cancel, promote and rollback: exit codes, and failures as JSON. */
import { EXIT, type ExitCode, printFailure, type Process, toFailure } from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { type Connection, explainCallError } from "./connect.ts";

/** Exit codes beyond those that all commands share. */
export const OPERATION_EXIT = {
  /** Not a failure of the platform: the deployment's state, or the app itself, is in the way. */
  refused: 18,
} as const;

/** The codes as `--help` shows them. */
export const EXIT_NOTES = [
  "Exit codes:",
  "  0    done, or there was nothing to do",
  "  1    something else failed, or there is no such deployment",
  "  2    wrong usage or settings",
  "  4    not logged in, or not allowed",
  "  18   refused: the deployment's state does not allow it, or the app did not start; nothing was changed",
  "  20   the control plane does not answer",
  "  130  Ctrl-C, or the answer was no",
].join("\n");

/** A start has an hour at most, by the worker's settings. */
const OPERATION_MS_MAX = 75 * 60_000;

/** A client whose calls may wait for a start. */
export function operationClient(
  connection: Connection,
): ReturnType<typeof createRpcClient<typeof DeploymentService>> {
  return createRpcClient(DeploymentService, { ...connection, timeoutMs: OPERATION_MS_MAX });
}

export interface Operation {
  readonly process: Process;
  readonly connection: Connection;
  readonly json: boolean;
}

/** Runs `work`. A failure is printed once, with `--json` also as one object, and becomes the exit code. */
export async function operate(
  { process, connection, json }: Operation,
  work: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await work();
  } catch (error) {
    if (process.signal.aborted) return interrupted(process, json);
    const failure = toFailure(explainCallError(error, connection.baseUrl));
    const refused = failure.code === "failed_precondition";
    const exitCode = refused ? OPERATION_EXIT.refused : failure.exitCode;
    return printFailure({ ...failure, exitCode }, process, json ? {} : undefined);
  }
}

function interrupted(process: Process, json: boolean): ExitCode {
  const message = 'Stopped waiting; what was asked for may still happen: "unkey status" shows it.';
  const failure = { code: "interrupted", message, exitCode: EXIT.interrupted };
  return printFailure(failure, process, json ? {} : undefined);
}

/** A time as people read it: `0.08 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

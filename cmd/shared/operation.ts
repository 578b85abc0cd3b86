/** Shared by start, stop, cancel, promote and rollback: exit codes, and failures as JSON. */
import {
  EXIT,
  type ExitCode,
  type ExitMeaning,
  printFailure,
  type Process,
  toFailure,
} from "../../pkg/cli/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { switchField } from "../../pkg/config/mod.ts";
import { type Connection, explainCallError } from "./connect.ts";
import { timeoutField } from "./deploying/follow_fields.ts";
import { jsonLine } from "./output.ts";
import { WaitOver } from "./time_limit.ts";

/** Exit codes beyond those that all commands share. */
export const OPERATION_EXIT = {
  /** Not a failure of the platform: the deployment's state, or the app itself, is in the way. */
  refused: 18,
  /** The same code as that of a deploy that is not waited for any longer. */
  running: 17,
} as const;

/** Every exit code of these commands. */
export const OPERATION_EXITS: readonly ExitMeaning[] = [
  { code: EXIT.ok, means: "done, or there was nothing to do" },
  { code: EXIT.failed, means: "something else failed, or there is no such deployment" },
  { code: EXIT.usage, means: "wrong usage or settings, or no terminal to ask on and no --yes" },
  { code: EXIT.auth, means: "not logged in, or not allowed" },
  { code: OPERATION_EXIT.running, means: "--timeout was over; what was asked for goes on" },
  {
    code: OPERATION_EXIT.refused,
    means: "refused: the deployment's state does not allow it, or the app did not start; nothing was changed",
  },
  { code: EXIT.unreachable, means: "the control plane does not answer" },
  { code: EXIT.interrupted, means: "Ctrl-C, or the answer was no" },
];

/** The same for a command that does not wait. */
export const AT_ONCE_EXITS = OPERATION_EXITS.filter(({ code }) => code !== OPERATION_EXIT.running);

/** The codes as `--help` shows them. */
export function exitNotes(exits: readonly ExitMeaning[]): string {
  return ["Exit codes:", ...exits.map(({ code, means }) => `  ${String(code).padEnd(3)}  ${means}`)].join(
    "\n",
  );
}

/** A start has an hour at most, by the worker's settings. */
export const OPERATION_TIMEOUT_FIELD = timeoutField({
  fallback: "1h15m",
  help: "How long to wait, e.g. 90s, 30m or 1h30m. What was asked for goes on after that.",
});

export const QUIET_FIELD = switchField({
  flag: "quiet",
  env: "UNKEY_QUIET",
  help: "Print the URL, or the id without one, and of messages only errors.",
});

/** Longer than each `--timeout`. */
const CALL_MS_MAX = 25 * 3_600_000;

/** A client whose calls may wait for a start. */
export function operationClient(
  connection: Connection,
): ReturnType<typeof createRpcClient<typeof DeploymentService>> {
  return createRpcClient(DeploymentService, { ...connection, timeoutMs: CALL_MS_MAX });
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
    if (error instanceof WaitOver) return stillRunning(process, json);
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

function stillRunning(process: Process, json: boolean): ExitCode {
  const message = 'It is not done yet, and goes on: "unkey status" shows it.';
  const failure = { code: "still_running", message, exitCode: OPERATION_EXIT.running };
  return printFailure(failure, process, json ? {} : undefined);
}

/** The settings that say how much is printed. */
export interface Printing {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Prints what was done: an object for programs, the sentence for people, or the lines that `--quiet` leaves. */
export function printDone(
  { json, quiet }: Printing,
  { stdout }: Pick<Process, "stdout">,
  done: {
    readonly json: object;
    readonly text: string;
    readonly id: string;
    readonly urls: readonly string[];
  },
): void {
  if (json) return stdout(jsonLine(done.json));
  if (!quiet) return stdout(done.text);
  stdout(`${(done.urls.length === 0 ? [done.id] : done.urls).join("\n")}\n`);
}

/** A time as people read it: `0.08 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

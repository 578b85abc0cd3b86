import { describeError, Fault } from "../fault/mod.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { paint } from "./paint.ts";
import type { Process } from "./process.ts";

/** A failure as it is shown: what happened and why, then what to do. */
export interface Failure {
  /** For programs; stable. */
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** Wrong words on the command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Turns a command's error into the user's text. Only a fault's public text is taken over as it is. */
export function toFailure(error: unknown): Failure {
  if (error instanceof UsageError) return { code: "usage", message: error.message, exitCode: EXIT.usage };
  if (error instanceof Fault) {
    const message = error.publicMessage ?? error.message;
    return { code: error.code, message, exitCode: exitCodeOf(error.code) };
  }
  if (error instanceof DOMException && error.name === "AbortError") {
    return { code: "cancelled", message: "Interrupted.", exitCode: EXIT.interrupted };
  }
  const message = `This is a bug in unkey, not a mistake of yours: ${describeError(error)}\n` +
    "Please report it together with the command you ran.";
  return { code: "internal", message, exitCode: EXIT.failed };
}

/**
 * Prints a failure to standard error and, when `json` is given, one object with its members to standard output.
 * Answers with the exit code.
 */
export function printFailure(
  failure: Failure,
  process: Process,
  json: Readonly<Record<string, unknown>> | undefined,
): ExitCode {
  const { code, message, exitCode } = failure;
  process.stderr(`${paint(process).red("error")}: ${message}\n`);
  if (json !== undefined) {
    process.stdout(`${JSON.stringify({ ...json, error: { code, message }, exitCode })}\n`);
  }
  return exitCode;
}

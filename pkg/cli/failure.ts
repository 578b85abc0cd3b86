import { describeError, Fault, requestIdOf } from "../fault/mod.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";
import { paint } from "./paint.ts";
import type { Process } from "./process.ts";

/** A failure as it is shown: what happened and why, then what to do. */
export interface Failure {
  /** For programs; stable. */
  readonly code: string;
  readonly message: string;
  readonly exitCode: ExitCode;
  /** Of the call that failed, for the operator's logs. */
  readonly requestId?: string | undefined;
}

/** The members of `error` in the JSON of a failure. */
export interface FailureJson {
  readonly code: string;
  readonly message: string;
  readonly request_id?: string;
}

export function failureJson({ code, message, requestId }: Omit<Failure, "exitCode">): FailureJson {
  return { code, message, ...(requestId === undefined ? {} : { request_id: requestId }) };
}

/** The line below a failure that names its call; empty without a call. */
export function requestIdLine(requestId: string | undefined): string {
  return requestId === undefined ? "" : `   request id: ${requestId}\n`;
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
    return { code: error.code, message, exitCode: exitCodeOf(error.code), requestId: requestIdOf(error) };
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
  const { message, exitCode, requestId } = failure;
  process.stderr(`${paint(process).red("error")}: ${message}\n${requestIdLine(requestId)}`);
  if (json !== undefined) {
    process.stdout(`${JSON.stringify({ ...json, error: failureJson(failure), exitCode })}\n`);
  }
  return exitCode;
}

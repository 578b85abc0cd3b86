import { describeError, Fault } from "../fault/mod.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit_codes.ts";

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

/** Turns whatever a command threw into what the user sees. Only a fault's public text is taken over as it is. */
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

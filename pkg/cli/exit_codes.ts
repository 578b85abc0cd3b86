import type { FaultCode } from "../fault/mod.ts";

export type ExitCode = number;

/** Exit codes that mean the same for all commands. `deploy` has more, one per phase. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  auth: 4,
  unreachable: 20,
  interrupted: 130,
} as const;

/** An exit code as help and documentation explain it. */
export interface ExitMeaning {
  readonly code: ExitCode;
  readonly means: string;
}

const OF_FAULT: Record<FaultCode, ExitCode> = {
  invalid_argument: EXIT.failed,
  unauthenticated: EXIT.auth,
  permission_denied: EXIT.auth,
  not_found: EXIT.failed,
  already_exists: EXIT.failed,
  failed_precondition: EXIT.failed,
  too_large: EXIT.failed,
  cancelled: EXIT.interrupted,
  rate_limited: EXIT.failed,
  deadline_exceeded: EXIT.unreachable,
  unavailable: EXIT.unreachable,
  internal: EXIT.failed,
};

/** The exit code of a command that failed with a fault of this code. */
export function exitCodeOf(code: FaultCode): ExitCode {
  return OF_FAULT[code];
}

/** Exit codes of commands, as `docs/exit_codes.md` and the tests know them. */
import { type Command, EXIT, type ExitMeaning } from "../../pkg/cli/mod.ts";

const DONE: ExitMeaning = { code: EXIT.ok, means: "done" };
const FAILED: ExitMeaning = { code: EXIT.failed, means: "it failed; the message says why" };
const USAGE: ExitMeaning = { code: EXIT.usage, means: "wrong usage or settings, or nothing to ask on" };
const AUTH: ExitMeaning = { code: EXIT.auth, means: "not logged in, or not allowed" };
const UNREACHABLE: ExitMeaning = { code: EXIT.unreachable, means: "the control plane does not answer" };
const INTERRUPTED: ExitMeaning = { code: EXIT.interrupted, means: "Ctrl-C, or the answer was no" };

/** Codes of a command that calls nothing. */
export const LOCAL_EXITS: readonly ExitMeaning[] = [DONE, FAILED, USAGE];
/** Codes of a command that calls the control plane. */
export const CALL_EXITS: readonly ExitMeaning[] = [DONE, FAILED, USAGE, AUTH, UNREACHABLE, INTERRUPTED];
/** Codes of a command that works on the database itself. */
export const DATABASE_EXITS: readonly ExitMeaning[] = [
  DONE,
  FAILED,
  USAGE,
  { code: EXIT.unreachable, means: "the database does not answer" },
];
/** Codes of a command that asks a server of releases. */
export const RELEASE_EXITS: readonly ExitMeaning[] = [
  DONE,
  FAILED,
  USAGE,
  { code: EXIT.unreachable, means: "the server of the releases does not answer" },
  { code: EXIT.interrupted, means: "Ctrl-C; the program is the former one" },
];
/** Codes of a service that waits for the parts that it needs. */
export const SERVICE_EXITS: readonly ExitMeaning[] = [
  { code: EXIT.ok, means: "a signal ended it, in order" },
  FAILED,
  { code: EXIT.usage, means: "wrong usage or settings" },
];

/** Codes of a service that does not start without another part, e.g. the database. */
export function serviceExits(part: string): readonly ExitMeaning[] {
  return [...SERVICE_EXITS, { code: EXIT.unreachable, means: `${part} does not answer` }];
}

/** Every exit code of a command, lowest first. */
export function exitCodesOf({ exitCodes, outcome, fields }: Command): readonly ExitMeaning[] {
  if (exitCodes !== undefined) return exitCodes;
  if (outcome === "service") return SERVICE_EXITS;
  return Object.values(fields).some(({ env }) => env === "UNKEY_API_BASE_URL") ? CALL_EXITS : LOCAL_EXITS;
}

/**
 * The command line: a tree of commands that load lazily, settings taken from flags and variables, one shape of error.
 *
 * ```ts
 * // cmd/greet/greet.ts
 * export const command = defineCommand({
 *   fields: {
 *     name: field({ flag: "name", env: "UNKEY_NAME", help: "Whom to greet.", schema: textSchema("you") }),
 *   },
 *   positionals: [{ name: "greeting", help: "How to greet.", required: false }],
 *   async run({ config, positionals: [greeting = "Hello"] }, process) {
 *     process.stdout(`${greeting}, ${config.name}\n`);
 *   },
 * });
 *
 * // cmd/root.ts
 * greet: { summary: "Greet a user", load: () => import("./greet/greet.ts") },
 * ```
 *
 * A command gets its settings validated, touches the process only through `Process`, returns an exit code (nothing
 * means 0), and throws a `Fault` to fail: `dispatch` prints it, as JSON when `--json` is given.
 *
 * This module must stay light: it is loaded by `unkey --help`.
 *
 * @module
 */
export { terminalPrompts } from "./clack.ts";
export {
  type Command,
  type CommandTree,
  defineCommand,
  type Definition,
  type Fields,
  type FileSettings,
  type Group,
  type Input,
  type Leaf,
  type Positional,
  type Positionals,
} from "./command.ts";
export { completionScript, type Shell, SHELLS } from "./completions/mod.ts";
export { baseDirectories, stopSignals } from "./directories.ts";
export { EXIT, type ExitCode, type ExitMeaning } from "./exit_codes.ts";
export { dispatch } from "./dispatch.ts";
export {
  type Failure,
  type FailureJson,
  failureJson,
  printFailure,
  requestIdLine,
  toFailure,
  UsageError,
} from "./failure.ts";
export { withThisMachine } from "./no_proxy.ts";
export { type OutputForm, resultEvent } from "./output_form.ts";
export type { Outcome } from "./output.ts";
export { type Paint, paint } from "./paint.ts";
export type { Choice, Directories, Process, Prompts, Terminal } from "./process.ts";
export { leavesOf, nodesOf, type Placed } from "./tree.ts";
export { VERSION } from "./version.ts";

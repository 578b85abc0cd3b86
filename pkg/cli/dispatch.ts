import { readFileSync } from "node:fs";
import { Command as Commander, CommanderError } from "commander";
import type { Command, CommandTree, Group, Positionals } from "./command.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { printFailure, toFailure, UsageError } from "./failure.ts";
import { addSettings, readFlags, splitSwitches } from "./flags.ts";
import { addHelp, styleHelp } from "./help.ts";
import { type Outcome, Output } from "./output.ts";
import { outputForm, resultEvent } from "./output_form.ts";
import type { Process } from "./process.ts";
import { VERSION } from "./version.ts";

const NAME = "unkey";

/** Finds the command that the arguments name, runs it, and answers with the exit code. Never throws. */
export async function dispatch(root: Group, process: Process): Promise<ExitCode> {
  const { path, node, rest } = findNode(root, helpWord(process.args));
  let command: Command | undefined;
  let output = new Output("output", process);
  try {
    if (!("commands" in node)) command = (await node.load()).command;
    output = new Output(outcomeOf(command, rest), process);
    return output.end(await run({ root, path, rest, command }, output.process));
  } catch (error) {
    return output.end(fail(error, { path, command }, output.process));
  }
}

/** The outcome of a call: the help of a command is output, whatever the command does. */
function outcomeOf(command: Command | undefined, args: readonly string[]): Outcome {
  if (command === undefined || asksForHelp(args)) return "output";
  return command.outcome ?? "exit_code";
}

/** Words behind `--` are arguments of the command. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((each) => each === "--help" || each === "-h");
}

function fail(
  error: unknown,
  { path, command }: Pick<Target, "path" | "command">,
  process: Process,
): ExitCode {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  // The help of a group that was called without a command is the message.
  if (error instanceof CommanderError && error.code === "commander.help") return EXIT.usage;
  const failure = toFailure(error instanceof CommanderError ? usageOf(error, path) : error);
  const form = outputForm(process, command);
  const event = form === "ndjson" && command?.events === true ? resultEvent(process) : {};
  return printFailure(failure, process, form === "text" ? undefined : { ...event, ...command?.failure });
}

interface Target {
  readonly root: Group;
  readonly path: readonly string[];
  readonly rest: readonly string[];
  /** Absent for a group. */
  readonly command: Command | undefined;
}

async function run(target: Target, process: Process): Promise<ExitCode> {
  const { root, path, command } = target;
  const { rest, switches } = splitSwitches(command?.fields ?? {}, target.rest);
  const called: Called[] = [];
  const program = build({ name: NAME, node: root, path, command, process }, (call) => called.push(call));
  program.version(VERSION, "-v, --version", "Print the version");
  if (command !== undefined && asksForHelp(rest)) {
    await addHelp(findSub(program, path), command);
  }
  program.parse([...path, ...rest], { from: "user" });
  const [call] = called;
  if (command === undefined || call === undefined) return findSub(program, path).help({ error: true });

  const { loadConfig } = await import("../config/mod.ts");
  const { env } = process;
  const sources = {
    flags: readFlags(command.fields, call.leaf, switches),
    env,
    readFile: (file: string) => readFileSync(file, "utf8"),
  };
  return await command.execute({ load: loadConfig, sources, positionals: call.positionals }, process);
}

interface Blueprint {
  readonly name: string;
  readonly node: CommandTree;
  /** The words that lead from this node to the command that runs. */
  readonly path: readonly string[];
  readonly command: Command | undefined;
  readonly process: Process;
}

/** The arguments as commander parsed them. */
interface Called {
  readonly leaf: Commander;
  readonly positionals: Positionals;
}

/** The commander tree; only the command that runs has its settings, the others are names and summaries. */
function build(blueprint: Blueprint, onCall: (call: Called) => void): Commander {
  const { name, node, path, command, process } = blueprint;
  const made = new Commander(name).description(node.summary).helpOption("-h, --help", "Print this help");
  made.exitOverride().showSuggestionAfterError(true);
  styleHelp(made, process);
  if ("commands" in node) {
    made.helpCommand(false).usage("<command>");
    for (const [word, child] of Object.entries(node.commands)) {
      const next = word === path[0]
        ? { name: word, node: child, path: path.slice(1), command, process }
        : { name: word, node: child, path: [], command: undefined, process };
      made.addCommand(build(next, onCall), { hidden: "hidden" in child && child.hidden === true });
    }
    return made;
  }
  if (path.length > 0 || command === undefined) return made;
  for (const { name: word, required, help, repeated } of command.positionals ?? []) {
    const shown = repeated === true ? `${word}...` : word;
    made.argument(required ? `<${shown}>` : `[${shown}]`, help);
  }
  addSettings(made, command.fields);
  const count = command.positionals?.length ?? 0;
  return made.allowExcessArguments(false).action((...given: unknown[]) => {
    const words = given.slice(0, count).flatMap((each) =>
      (Array.isArray(each) ? each : [each]).map((word) => typeof word === "string" ? word : undefined)
    );
    onCall({ leaf: made, positionals: words });
  });
}

function findSub(program: Commander, path: readonly string[]): Commander {
  return path.reduce((at, word) => at.commands.find((each) => each.name() === word) ?? at, program);
}

/** Follows the words as far as they name commands. */
function findNode(root: Group, args: readonly string[]): {
  path: readonly string[];
  node: CommandTree;
  rest: readonly string[];
} {
  let node: CommandTree = root;
  let depth = 0;
  while ("commands" in node) {
    const word: string | undefined = args[depth];
    const next: CommandTree | undefined = word !== undefined && Object.hasOwn(node.commands, word)
      ? node.commands[word]
      : undefined;
    if (next === undefined) break;
    node = next;
    depth++;
  }
  return { path: args.slice(0, depth), node, rest: args.slice(depth) };
}

/** `unkey help deploy` is `unkey deploy --help`. */
function helpWord(args: readonly string[]): readonly string[] {
  return args[0] === "help" ? [...args.slice(1), "--help"] : args;
}

/** An option that does not exist, up to its value, which may be a secret: `--password=…`, `-p…`. */
const UNKNOWN_OPTION = /^(error: unknown option '(?:--[^'=\s]+|-\w))[^]*'/;

/** Commander's text without its prefix and without values, and where to look. */
function usageOf(error: CommanderError, path: readonly string[]): UsageError {
  const message = error.message.replace(UNKNOWN_OPTION, "$1'");
  const [what = "", suggestion] = message.replace(/^error: /, "").split("\n");
  const help = `"${[NAME, ...path].join(" ")} --help" shows what there is.`;
  const guess = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.?$/, ".")}`;
  return new UsageError(`${sentence} ${guess === undefined ? "" : `Did you mean ${guess}? `}${help}`);
}

import type { ConfigOf, Field, loadConfig, Rules, SettingsFile, Sources } from "../config/mod.ts";
import { isFault } from "../fault/mod.ts";
import type { ExitCode, ExitMeaning } from "./exit_codes.ts";
import { UsageError } from "./failure.ts";
import type { Outcome } from "./output.ts";
import type { Process } from "./process.ts";

/** The settings of a command by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** A word that a command takes by its place. */
export interface Positional {
  readonly name: string;
  readonly help: string;
  readonly required: boolean;
  /** Takes all words that are left; only the last one can. */
  readonly repeated?: boolean;
  /** All words that it takes, where they are known. */
  readonly choices?: readonly string[];
}

/** One per declared positional; `undefined` where an optional one was left out. A repeated one gives all its words. */
export type Positionals = readonly (string | undefined)[];
/** A file of settings that a command takes values from. */
export type FileSettings = SettingsFile;

/** A command as its file writes it. */
export interface Definition<F extends Fields> {
  readonly fields: F;
  readonly positionals?: readonly Positional[];
  /** Shown by `--help` below the settings: examples, exit codes. */
  readonly notes?: string;
  /** Every code with which it can end, where that is not what its settings tell (`exitCodesOf`). */
  readonly exitCodes?: readonly ExitMeaning[];
  /** Reads the file of settings that the command takes values from; what it throws is the command's failure. */
  readonly file?: (positionals: Positionals, process: Process) => Promise<FileSettings | undefined>;
  /** True if the command prints events as they happen with `--output ndjson`, and its result as the last one. */
  readonly events?: true;
  /** `exit_code` by default. */
  readonly outcome?: Outcome;
  /** Rules between settings. */
  readonly check?: Rules<ConfigOf<F>>;
  /** Members that the JSON of a failure has besides `error` and `exitCode`, so that programs find the same names. */
  readonly failure?: Readonly<Record<string, unknown>>;
  /** Returns the exit code; nothing means success. What it throws is printed once, by `dispatch`. */
  run(input: Input<F>, process: Process): Promise<ExitCode | void>;
}

export interface Input<F extends Fields> {
  readonly config: ConfigOf<F>;
  readonly positionals: Positionals;
  /** The file of settings, where the command reads one and it is there. */
  readonly file: FileSettings | undefined;
  /** Where the settings came from, for commands that show it. */
  readonly sources: Sources;
}

/** A command whose settings' types are behind it. */
export interface Command extends
  Pick<
    Definition<Fields>,
    "fields" | "positionals" | "notes" | "failure" | "outcome" | "events" | "exitCodes"
  > {
  execute(call: Call, process: Process): Promise<ExitCode>;
}

/** A command as `dispatch` runs it. The loader is handed in, so that the tree's help needs no schema library. */
export interface Call {
  readonly load: typeof loadConfig;
  readonly sources: Sources;
  readonly positionals: Positionals;
}

/** Declares a command. Each command's file exports the result as `command`. */
export function defineCommand<const F extends Fields>(definition: Definition<F>): Command {
  const { check, run, file, ...rest } = definition;
  return {
    ...rest,
    execute: async ({ load, sources, positionals }, process) => {
      const found = await file?.(positionals, process);
      const all = { ...sources, file: found };
      const config = settings(() => load(definition.fields, all, check));
      return await run.call(definition, { config, positionals, file: found, sources: all }, process) ?? 0;
    },
  };
}

/** A setting that does not hold is wrong usage, not a failure of what the command does. */
function settings<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (isFault(error, "invalid_argument")) throw new UsageError(error.message);
    throw error;
  }
}

/** A node of the command tree: a group of commands, or a leaf whose file is loaded when it is called. */
export type CommandTree = Group | Leaf;

/** Commands that belong together. */
export interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, CommandTree>>;
  /** Not in the list that `--help` prints. */
  readonly hidden?: boolean;
}

/** One command. */
export interface Leaf {
  readonly summary: string;
  /** Not in the list that `--help` prints. */
  readonly hidden?: boolean;
  /** A literal dynamic import, so that a bundler keeps it apart. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

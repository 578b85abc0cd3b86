import type { Clock } from "../clock/mod.ts";

/** The process as a value: `main.ts` makes the real one, tests make theirs. */
export interface Process {
  /** The words after the program's name. */
  readonly args: readonly string[];
  readonly env: (name: string) => string | undefined;
  /** Writes text as it is, or throws; a command's data goes here and nothing else does. */
  readonly stdout: (text: string) => void;
  /** Writes text as it is; messages and progress go here. Text that cannot be written is dropped. */
  readonly stderr: (text: string) => void;
  /** Writes a line of a service's log to standard error, or throws. */
  readonly log: (line: string) => void;
  /** All of standard input as text, at most a megabyte. */
  readonly readStdin: () => Promise<string>;
  readonly terminal: Terminal;
  /** Asks questions. Absent without a terminal to ask on. */
  readonly prompts: Prompts | undefined;
  /** From now on, a terminal that goes away (SIGHUP) does not end the process. */
  readonly surviveHangup: () => void;
  /** From now on, what this process and its children make is for their own user only. */
  readonly keepFilesPrivate: () => void;
  /** Aborts at the first SIGINT or SIGTERM. The second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Begin of the program, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** The folder the command was started in, absolute. */
  readonly cwd: string;
  /** Where this user's files go, per the XDG base directories. None of them need exist. */
  readonly directories: Directories;
  /** The running executable: `unkey` when compiled, else `deno`. */
  readonly executable: string;
  /** The text that a release wrote beside this program (`pkg/release`); `undefined` for a build of a checkout. */
  readonly buildInfo: () => Promise<string | undefined>;
}

/** The properties of the other ends of the streams. */
export interface Terminal {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** True if standard error takes colour: a terminal, no NO_COLOR, not `TERM=dumb`. */
  readonly colour: boolean;
  /** True if standard error takes a line that redraws itself: a terminal, not in CI, not `TERM=dumb`. */
  readonly live: boolean;
  /** The width now; it changes when the window does. */
  readonly columns: () => number;
}

/** Base folders of this user. */
export interface Directories {
  readonly config: string;
  readonly cache: string;
  readonly data: string;
  readonly temporary: string;
}

/** Questions to the person at the terminal. Each answers `undefined` when they decline to answer (Ctrl-C, Escape). */
export interface Prompts {
  confirm(question: { readonly message: string; readonly initial: boolean }): Promise<boolean | undefined>;
  select<T extends string>(
    question: { readonly message: string; readonly options: readonly Choice<T>[] },
    signal?: AbortSignal,
  ): Promise<T | undefined>;
  /** Typed characters are not shown. */
  password(question: { readonly message: string }): Promise<string | undefined>;
}

/** One possible answer. */
export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

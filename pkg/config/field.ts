import type { z } from "zod";

/** A switch that stands for one value of a setting, e.g. `--json` for `--output json`. */
export interface Short {
  /** Without dashes. */
  readonly flag: string;
  readonly env: string;
  /** The value that it stands for. */
  readonly value: string;
}

/** One setting. `T` is what it parses into. */
export interface Field<T> {
  /** Without dashes. Absent on secrets. */
  readonly flag?: string;
  readonly env: string;
  /** Its key in a file of settings, for commands that read one. */
  readonly file?: string;
  readonly help: string;
  /** The value's name in help, e.g. `<port>`; absent for switches. */
  readonly placeholder?: string;
  /** The setting's own flag and variable go before those of the switches. */
  readonly shorts?: readonly Short[];
  readonly secret: boolean;
  /** Takes all its values: those of the file, then one per line of the variable, then one per time that the flag is given. */
  readonly repeated?: boolean;
  /** Parses the raw text, or `undefined` when it is given nowhere; of a repeated setting a list of texts. */
  readonly schema: z.ZodType<T>;
  /** The text that parses into `value`. Needed where that is not `String(value)`, or a list joined by commas. */
  show?(value: T): string;
}

/** The object that a record of fields parses into. */
export type ConfigOf<F> = {
  readonly [K in keyof F]: F[K] extends Pick<Field<infer T>, "schema"> ? T : never;
};

/** The value of a flag; of a repeated one a list. */
export type FlagValue = string | boolean | readonly string[];

/** A file of settings. */
export interface SettingsFile {
  /** Absolute. */
  readonly path: string;
  /** The value of a key, as text. */
  readonly value: (key: string) => string | readonly string[] | undefined;
  /** The line that has the key, from 1. */
  readonly lineOf: (key: string) => number | undefined;
}

/** Where settings come from. An empty variable counts as absent. */
export interface Sources {
  readonly flags: ReadonlyMap<string, FlagValue>;
  readonly env: (name: string) => string | undefined;
  /** Flags and variables go before it. */
  readonly file?: SettingsFile | undefined;
  /** Reads a whole file as text; used for `<VARIABLE>_FILE`. */
  readonly readFile: (path: string) => string;
}

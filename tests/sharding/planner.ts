/** Vitess's planner without servers, which `dev/parts/vtexplain.sh` builds. */
import type { Vschema } from "./vschema.ts";

const HOME_CACHE = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`;
const CACHE = Deno.env.get("UNKEY_DEV_CACHE") ?? `${HOME_CACHE}/unkey-dev`;
const BINARY = `${CACHE}/bin/vtexplain-0.24.4`;

export const PLANNER_ABSENT = await Deno.stat(BINARY).then(() => false, () => true);

const SHARDS = "4";
/** It refuses to run as root. */
const NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"];
/** Its simulated tablets start beside each other, and sometimes one looks for what is not there yet. */
const CRASHES_MAX = 20;
const PROBLEM_CHARACTERS_MAX = 2_000;

/** One step of a plan. */
export interface Step {
  readonly OperatorType?: string;
  /** The way to the shards of a step: "Scatter" asks all of them. */
  readonly Variant?: string;
  readonly Vindex?: string;
  readonly Keyspace?: { readonly Name: string; readonly Sharded: boolean };
  readonly Inputs?: readonly Step[];
}

/** A statement's plan, or the reason why Vitess does not take it. */
export type Planned = { readonly steps: readonly Step[] } | { readonly problem: string };

interface Explained {
  readonly Plans: readonly { readonly Instructions: Step }[] | null;
}

/** Plans statements with one vschema. */
export class Planner {
  readonly #folder: string;
  readonly #binary: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#binary = `${folder}/vtexplain`;
  }

  static async open(folder: string, vschema: Vschema, schema: string): Promise<Planner> {
    // Another user runs it, who may not look into this user's folders.
    await Deno.chmod(folder, 0o755);
    await Deno.copyFile(BINARY, `${folder}/vtexplain`);
    await Deno.writeTextFile(`${folder}/vschema.json`, JSON.stringify(vschema));
    await Deno.writeTextFile(`${folder}/schema.sql`, schema);
    return new Planner(folder);
  }

  /** Plans them all in a few calls. A call ends with the first statement that is refused. */
  async plan(texts: readonly string[]): Promise<readonly Planned[]> {
    if (texts.length === 0) return [];
    const explained = await this.#explain(texts);
    if (typeof explained !== "string") {
      return explained.map(({ Plans }) => ({ steps: (Plans ?? []).map((each) => each.Instructions) }));
    }
    if (texts.length === 1) return [{ problem: explained }];
    const middle = Math.ceil(texts.length / 2);
    return [...await this.plan(texts.slice(0, middle)), ...await this.plan(texts.slice(middle))];
  }

  async #explain(texts: readonly string[]): Promise<readonly Explained[] | string> {
    for (let crashes = 0; crashes < CRASHES_MAX; crashes++) {
      const [out, err] = await this.#run(texts);
      if (/^panic: /m.test(err)) continue;
      const refused = /^ERROR: (.*)$/m.exec(`${out}\n${err}`)?.[1] ??
        (out.trim() === "" ? err.slice(-PROBLEM_CHARACTERS_MAX) : undefined);
      return refused?.replace(/^vtexplain execute error in '.*': /, "") ?? JSON.parse(out);
    }
    throw new Error(`vtexplain crashed ${CRASHES_MAX} times`);
  }

  async #run(texts: readonly string[]): Promise<[string, string]> {
    const folder = this.#folder;
    await Deno.writeTextFile(`${folder}/statements.sql`, texts.map((each) => `${each};\n`).join(""));
    const args = ["--schema-file", `${folder}/schema.sql`, "--vschema-file", `${folder}/vschema.json`].concat(
      ["--sql-file", `${folder}/statements.sql`, "--shards", SHARDS],
      ["--output-mode", "json", "--log-level", "error"],
    );
    const command = Deno.uid() === 0 ? ["setpriv", ...NOBODY, this.#binary] : [this.#binary];
    const [program = "", ...before] = command;
    const { stdout, stderr } = await new Deno.Command(program, {
      args: [...before, ...args],
      cwd: folder,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return [decoder.decode(stdout), decoder.decode(stderr)];
  }
}

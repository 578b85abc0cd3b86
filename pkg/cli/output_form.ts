import type { Command } from "./command.ts";
import type { Process } from "./process.ts";

/** The forms in which a command prints. */
export type OutputForm = "text" | "json" | "ndjson";

const FORMS: readonly string[] = ["text", "json", "ndjson"] satisfies readonly OutputForm[];
const TRUE = /^(1|true|yes|on)$/i;

/**
 * The form that the caller wants, by `--output`, `--json` and their variables. It is read without the schema of the
 * settings, since a call whose settings are wrong gets its failure in this form, too.
 */
export function outputForm(
  { args, env }: Pick<Process, "args" | "env">,
  command: Command | undefined,
): OutputForm {
  // A service has no output for programs, and its caller may have the variable for other commands.
  if (command !== undefined && !Object.values(command.fields).some(({ flag }) => flag === "output")) {
    return "text";
  }
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  const asked = known(valueOf("--output", words));
  if (asked !== undefined) return asked;
  if (words.some((each) => each === "--json" || TRUE.test(/^--json=(.*)$/.exec(each)?.[1] ?? ""))) {
    return "json";
  }
  return known(env("UNKEY_OUTPUT")) ?? (TRUE.test(env("UNKEY_JSON") ?? "") ? "json" : "text");
}

/** The last value of a flag, behind it or with an equals sign. */
function valueOf(flag: string, words: readonly string[]): string | undefined {
  const values = words.flatMap((word, at) =>
    word === flag ? words[at + 1] ?? [] : word.startsWith(`${flag}=`) ? word.slice(flag.length + 1) : []
  );
  return values.at(-1);
}

function known(text: string | undefined): OutputForm | undefined {
  const isForm = (each: string): each is OutputForm => FORMS.includes(each);
  return text !== undefined && isForm(text) ? text : undefined;
}

/** The members of the last event, which is the result. */
export function resultEvent(
  { clock }: Pick<Process, "clock">,
): { readonly kind: "result"; readonly time: number } {
  return { kind: "result", time: clock.now() };
}

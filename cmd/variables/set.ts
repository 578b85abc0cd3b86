/** `unkey variables set` */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { defineCommand, type Process, UsageError } from "../../pkg/cli/mod.ts";
import { type ConfigOf, field, switchField, textSchema } from "../../pkg/config/mod.ts";
import { variableNameProblem } from "../../pkg/variables/mod.ts";
import { FOLLOW_EXITS } from "../shared/deploying/exit_codes.ts";
import { projectFile } from "../shared/project_file.ts";
import { CHANGE_FIELDS, changeVariables } from "./change.ts";
import { parseDotenv } from "./dotenv.ts";

const FIELDS = {
  ...CHANGE_FIELDS,
  fromFile: field({
    flag: "from-file",
    env: "UNKEY_VARIABLES_FILE",
    placeholder: "<path>",
    help: "Read NAME=value lines from this .env file; - is standard input.",
    schema: textSchema(),
  }),
  stdin: switchField({
    flag: "stdin",
    env: "UNKEY_VARIABLES_STDIN",
    help: "Read the value of the one NAME from standard input, so that no shell history has it.",
  }),
};

export const command = defineCommand({
  events: true,
  exitCodes: FOLLOW_EXITS,
  fields: FIELDS,
  positionals: [{
    name: "variables",
    help: "NAME=value; or NAME alone to be asked for the value, without showing it.",
    required: false,
    repeated: true,
  }],
  notes:
    `Values are stored encrypted, are never shown again, and reach deployments that are created from now on.

  unkey variables set LOG_LEVEL=debug spring.profiles.active=eu --env production
  printf %s "$TOKEN" | unkey variables set TOKEN --stdin --redeploy
  unkey variables set --from-file .env

Names are letters, digits, underscores, dots and hyphens. A .env file is read as docker compose reads it: "export",
comments behind a space, quotes over several lines, \\n in double quotes, \${NAME} and \${NAME:-default} outside of single
quotes, from a line above or from a variable where this command runs. Unlike there, a $ without a brace is a plain
character, and a \${NAME} that is nowhere is an error.`,
  file: (_words, process) => projectFile(process),
  async run({ config, positionals }, process) {
    const words = positionals.filter((each) => each !== undefined);
    const variables = await gather(config, words, process);
    const names = Object.keys(variables).sort();
    const count = names.length === 1 ? "1 variable" : `${names.length} variables`;
    return await changeVariables(config, {
      async apply({ admin, signal, ...where }) {
        await admin.setEnvironmentVariables({ ...where, variables }, { signal });
        return { text: `set ${count} (${names.join(", ")})`, json: { set: names } };
      },
    }, process);
  },
});

/** All variables that words, file and standard input give. @throws `UsageError` that lists every problem, without values */
async function gather(
  { fromFile, stdin }: ConfigOf<typeof FIELDS>,
  words: readonly string[],
  process: Process,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  if (fromFile !== undefined) Object.assign(variables, await fromDotenv(fromFile, process));
  const problems = words.flatMap(nameProblem);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  const bare = words.filter((word) => !word.includes("="));
  if (stdin && (bare.length !== 1 || fromFile === "-")) {
    throw new UsageError("--stdin gives the value of one NAME: name exactly one without a value.");
  }
  for (const word of words.filter((each) => each.includes("="))) {
    const at = word.indexOf("=");
    variables[word.slice(0, at)] = word.slice(at + 1);
  }
  for (const name of bare) variables[name] = stdin ? await readValue(process) : await askFor(name, process);
  if (Object.keys(variables).length > 0) return variables;
  throw new UsageError("There is nothing to set: give NAME=value, or --from-file <path>.");
}

/** A word that is no name may be a value that went to the wrong place: it is not repeated. */
function nameProblem(word: string, at: number): string[] {
  const name = word.split("=", 1)[0] ?? "";
  const problem = variableNameProblem(name);
  if (problem === undefined) return [];
  const which = word.includes("=") && name !== "" ? `"${name.slice(0, 80)}"` : `word ${at + 1}`;
  return [`${which} cannot be a variable's name: it ${problem}.`];
}

async function fromDotenv(
  path: string,
  { cwd, env, readStdin, stderr }: Process,
): Promise<Record<string, string>> {
  const shown = path === "-" ? "standard input" : path;
  const text = path === "-" ? await readStdin() : await readFile(resolve(cwd, path), "utf8").catch(() => {
    throw new UsageError(`${path} cannot be read.`);
  });
  const parsed = parseDotenv(text, env);
  if (parsed.problems.length === 0) {
    const { PORT: port, ...variables } = parsed.variables;
    // Files for a server on one's own machine have it, and it is the platform's to give.
    if (port !== undefined) {
      stderr(`   PORT of ${shown} is left out: the app gets the port that "unkey deploy --port" names\n`);
    }
    return variables;
  }
  const lines = parsed.problems.map(({ line, problem }) => `  line ${line}: ${problem}`);
  throw new UsageError(`${shown} cannot be used:\n${lines.join("\n")}`);
}

/** One line end at the end is the shell's, not the value's. */
async function readValue({ readStdin }: Process): Promise<string> {
  return (await readStdin()).replace(/\r?\n$/, "");
}

async function askFor(name: string, { prompts }: Process): Promise<string> {
  if (prompts === undefined) {
    throw new UsageError(`${name} has no value: write ${name}=value, or give the value with --stdin.`);
  }
  const value = await prompts.password({ message: `Value of ${name}` });
  if (value === undefined) throw new DOMException("Nothing was set.", "AbortError");
  return value;
}

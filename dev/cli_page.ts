/** `docs/cli.md`: every command with its words and settings, from the declarations. */
import {
  type Command,
  type CommandTree,
  type Group,
  leavesOf,
  nodesOf,
  type Placed,
} from "../pkg/cli/mod.ts";
import { defaultText, type Field, shortHelp } from "../pkg/config/mod.ts";

const NAME = "unkey";
const INTRODUCTION = `# The command line

Generated from the declarations of the commands by \`deno task golden\`. A flag goes before its variable, a variable
before \`unkey.json\`, that before the default. A secret has a variable and no flag; the variable with \`_FILE\` behind
its name may name a file that holds the secret.
`;

/** The whole page. */
export async function cliPage(root: Group): Promise<string> {
  const sections = await Promise.all(Array.from(leavesOf(root), section));
  return [INTRODUCTION, contents(root), ...sections].join("\n");
}

function contents(root: Group): string {
  return Array.from(nodesOf(root)).filter(({ path }) => path.length > 0).map(({ path, node }) => {
    const name = "commands" in node ? path.join(" ") : link(path);
    return `${"  ".repeat(path.length - 1)}- ${name}: ${node.summary}\n`;
  }).join("");
}

function link(path: readonly string[]): string {
  return `[${path.join(" ")}](#${[NAME, ...path].join("-")})`;
}

async function section({ path, node }: Placed<Extract<CommandTree, { load: unknown }>>): Promise<string> {
  const { command } = await node.load();
  const notes = command.notes === undefined ? "" : `\n\`\`\`text\n${command.notes.trim()}\n\`\`\`\n`;
  return `## ${[NAME, ...path].join(" ")}\n\n${node.summary}.\n${usage(path, command)}${
    settings(command)
  }${notes}`;
}

function usage(path: readonly string[], { positionals = [] }: Command): string {
  const words = positionals.map(({ name, required, repeated }) => {
    const shown = repeated === true ? `${name}...` : name;
    return required ? `<${shown}>` : `[${shown}]`;
  });
  const line = `\n    ${[NAME, ...path, "[options]", ...words].join(" ")}\n`;
  const explained = positionals.map(({ help }, at) => `- ${code(words[at] ?? "")}: ${text(help)}\n`).join("");
  return explained === "" ? line : `${line}\n${explained}`;
}

function settings({ fields }: Command): string {
  const lines = Object.values(fields).flatMap((field) => [setting(field), ...shorts(field)]).join("");
  return lines === "" ? "" : `\nSettings:\n\n${lines}`;
}

function setting(field: Field<unknown>): string {
  const { flag, placeholder, env, file, help, schema } = field;
  const names = flag === undefined
    ? [code(env)]
    : [code(`--${flag}${optional(" ", placeholder)}`), code(env)];
  if (file !== undefined) names.push(`unkey.json ${code(file)}`);
  const fallback = defaultText(field);
  if (!schema.safeParse(undefined).success) names.push("required");
  else if (fallback !== undefined) names.push(`default ${code(fallback)}`);
  return `- ${names.join(", ")}: ${text(help)}\n`;
}

function shorts(field: Field<unknown>): readonly string[] {
  return (field.shorts ?? []).map((short) =>
    `- ${code(`--${short.flag}`)}, ${code(short.env)}: ${shortHelp(field, short)}\n`
  );
}

function optional(before: string, given: string | undefined): string {
  return given === undefined ? "" : `${before}${given}`;
}

function code(given: string): string {
  return `\`${given}\``;
}

/** A placeholder would be a tag. */
function text(given: string): string {
  return given.replaceAll(/<(?=[a-z])/gi, "\\<");
}

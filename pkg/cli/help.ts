import type { Command as Commander, Help, HelpConfiguration, Option } from "commander";
import type { Command } from "./command.ts";
import type { Process } from "./process.ts";

const COLUMNS_MAX = 110;
/** A longer flag has its explanation below it, so that the explanations of all others have room. */
const TERM_COLUMNS_MAX = 28;
const INDENT = "  ";

/** Where commander writes, and how wide; errors are printed by `dispatch`, so commander prints none. */
export function styleHelp(to: Commander, process: Process): void {
  const columns = (): number => Math.min(process.terminal.columns(), COLUMNS_MAX);
  to.configureOutput({
    writeOut: process.stdout,
    writeErr: process.stderr,
    outputError: () => undefined,
    getOutHelpWidth: columns,
    getErrHelpWidth: columns,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
  to.configureHelp(LAYOUT);
}

const LAYOUT: HelpConfiguration = { padWidth, formatItem };

function padWidth(command: Commander, helper: Help): number {
  const terms = [
    ...helper.visibleOptions(command).map((option) => helper.optionTerm(option)),
    ...helper.visibleCommands(command).map((each) => helper.subcommandTerm(each)),
    ...helper.visibleArguments(command).map((argument) => helper.argumentTerm(argument)),
  ];
  return Math.max(0, ...terms.map((term) => term.length).filter((length) => length <= TERM_COLUMNS_MAX));
}

/** Names and explanations in two columns. */
function formatItem(this: Help, term: string, termWidth: number, description: string, helper: Help): string {
  if (description === "") return `${INDENT}${term}`;
  const margin = " ".repeat(INDENT.length + termWidth + INDENT.length);
  const columns = (this.helpWidth ?? COLUMNS_MAX) - margin.length;
  const lines = helper.boxWrap(description, columns).split("\n").join(`\n${margin}`);
  const head = `${INDENT}${term.padEnd(termWidth)}${INDENT}`;
  return term.length > termWidth ? `${INDENT}${term}\n${margin}${lines}` : `${head}${lines}`;
}

/** Adds variable and default to each setting's help, and lists the settings that only a variable can give. */
export async function addHelp(to: Commander, command: Command): Promise<void> {
  const { defaultText, shortHelp } = await import("../config/mod.ts");
  const byFlag = new Map(Object.values(command.fields).map((each) => [`--${each.flag}`, each]));
  const shorts = new Map(
    Object.values(command.fields).flatMap((each) =>
      (each.shorts ?? []).map((short) => [`--${short.flag}`, `${shortHelp(each, short)} (env: ${short.env})`])
    ),
  );
  const describe = (option: Option): string => {
    const short = shorts.get(option.long ?? "");
    if (short !== undefined) return short;
    const field = option.long === undefined || option.long === null ? undefined : byFlag.get(option.long);
    if (field === undefined) return option.description;
    const facts = [`env: ${field.env}${field.repeated === true ? " with one per line" : ""}`];
    if (field.file !== undefined) facts.push(`unkey.json: ${field.file}`);
    const fallback = defaultText(field);
    if (!field.schema.safeParse(undefined).success) facts.push("required");
    else if (fallback !== undefined) facts.push(`default: ${fallback}`);
    return `${option.description} (${facts.join(", ")})`;
  };
  to.configureHelp({ ...LAYOUT, optionDescription: describe });

  const secrets = Object.values(command.fields).filter((each) => each.flag === undefined);
  if (secrets.length > 0) {
    const width = Math.max(...secrets.map((each) => each.env.length));
    const lines = secrets.map((each) => {
      const required = each.schema.safeParse(undefined).success ? "" : " (required)";
      return `  ${each.env.padEnd(width)}  ${each.help}${required}`;
    });
    const title = "Variables (secrets are never flags; NAME_FILE may name a file that holds the value):";
    to.addHelpText("after", `\n${title}\n${lines.join("\n")}`);
  }
  if (command.notes !== undefined) to.addHelpText("after", `\n${command.notes.trim()}`);
}

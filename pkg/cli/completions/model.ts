/** The command tree as completion scripts need it. */
import type { CommandTree, Group, Positional } from "../command.ts";
import type { Field } from "../../config/mod.ts";

/** A word that can follow, with its purpose. */
export interface CompletedWord {
  readonly word: string;
  readonly summary: string;
}

/** The form of a flag's value or of an argument. */
export type CompletedValue =
  | { readonly kind: "text" | "file" | "folder" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

/** A flag; without a value it is a switch. */
export interface CompletedFlag extends CompletedWord {
  readonly value: CompletedValue | undefined;
}

/** A node of the tree. */
export interface CompletedNode {
  /** The words that lead to it, with a space between; empty for the root. */
  readonly path: string;
  readonly commands: readonly CompletedWord[];
  readonly flags: readonly CompletedFlag[];
  /** The first argument; `undefined` where there is none. */
  readonly argument: CompletedValue | undefined;
}

const HELP: CompletedFlag = { word: "--help", summary: "Print this help", value: undefined };
const VERSION: CompletedFlag = { word: "--version", summary: "Print the version", value: undefined };
const HELP_COMMAND: CompletedWord = { word: "help", summary: "Print the help of a command" };

/** All nodes, those with another name for a group, too; loads every command. */
export async function completionModel(root: Group): Promise<readonly CompletedNode[]> {
  const nodes: CompletedNode[] = [];
  const visit = async (node: CommandTree, path: readonly string[]): Promise<void> => {
    nodes.push(await completedNode(node, path));
    if (!("commands" in node)) return;
    for (const [word, child] of Object.entries(node.commands)) await visit(child, [...path, word]);
  };
  await visit(root, []);
  return nodes;
}

async function completedNode(node: CommandTree, path: readonly string[]): Promise<CompletedNode> {
  if ("commands" in node) {
    const commands = Object.entries(node.commands)
      .filter(([, child]) => child.hidden !== true)
      .map(([word, { summary }]) => ({ word, summary }));
    const isRoot = path.length === 0;
    return {
      path: path.join(" "),
      commands: isRoot ? [...commands, HELP_COMMAND] : commands,
      flags: isRoot ? [HELP, VERSION] : [HELP],
      argument: undefined,
    };
  }
  const { command: { fields, positionals: [argument] = [] } } = await node.load();
  const flags = Object.values(fields).flatMap(completedFlags);
  return {
    path: path.join(" "),
    commands: [],
    flags: [...flags, HELP],
    argument: argument === undefined ? undefined : argumentValue(argument),
  };
}

function completedFlags({ flag, help, placeholder, shorts = [] }: Field<unknown>): readonly CompletedFlag[] {
  if (flag === undefined) return [];
  const value = placeholder === undefined ? undefined : valueOf(placeholder);
  return [
    { word: `--${flag}`, summary: firstSentence(help), value },
    ...shorts.map((short) => ({
      word: `--${short.flag}`,
      summary: `The same as --${flag} ${short.value}`,
      value: undefined,
    })),
  ];
}

function argumentValue({ name, choices }: Positional): CompletedValue {
  return choices === undefined ? valueOf(`<${name}>`) : { kind: "choice", choices };
}

/** The name of a value in help says what it is: `<path>`, `<docker|kubernetes>`. */
function valueOf(placeholder: string): CompletedValue {
  const choices = /^<([\w/-]+(?:\|[\w/-]+)+)>$/.exec(placeholder)?.[1]?.split("|");
  if (choices !== undefined) return { kind: "choice", choices };
  if (placeholder === "<folder>") return { kind: "folder" };
  return { kind: /^<(?:path|file)\b/.test(placeholder) ? "file" : "text" };
}

function firstSentence(help: string): string {
  return help.replace(/\.(?:\s[^]*)?$/, "").replaceAll(/\s+/g, " ");
}

/** Flags that take a value, of all commands together: a flag has the same form everywhere, and all choices of each command. */
export function flagsWithValues(nodes: readonly CompletedNode[]): ReadonlyMap<string, CompletedValue> {
  const found = new Map<string, CompletedValue>();
  for (const { word, value } of nodes.flatMap(({ flags }) => flags)) {
    if (value === undefined) continue;
    const known = found.get(word);
    const choices = [known, value].flatMap((each) => each?.kind === "choice" ? each.choices : []);
    found.set(word, choices.length === 0 ? value : { kind: "choice", choices: [...new Set(choices)] });
  }
  return found;
}

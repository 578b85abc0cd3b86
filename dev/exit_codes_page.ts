/** `docs/exit_codes.md`: every command with its exit codes, from the declarations. */
import { exitCodesOf } from "../cmd/shared/exit_codes.ts";
import { type ExitMeaning, type Group, leavesOf } from "../pkg/cli/mod.ts";

const INTRODUCTION = `# Exit codes

Generated from the declarations of the commands by \`deno task golden\`; a test gives each command each of its
codes with the program itself.

- The exit code of a command with an outcome, and the JSON that it prints, come from the durable state of the
  control plane. A stream of events that is cut is resumed, and the end is read from the deployment itself.
- The reader of the output changes no exit code. Output that cannot be written is left out, with one note on
  standard error. The end of the terminal (SIGHUP) ends no command with an outcome.
- A command whose outcome is its output (\`list\`, \`status\`, \`logs\` and others that only print) ends quietly with
  0 when its reader leaves, e.g. \`unkey logs shop --follow | head\`. When its output cannot be stored, e.g. on a
  full disk, it ends with 1. So does a command that prints a secret which is shown only once, in both cases.
- With \`--json\` each failure is one object with \`error\` (\`code\`, \`message\`, and \`request_id\` of a failed call)
  and \`exitCode\`. \`docs/schemas\` has a JSON schema for the output of each command.
- The end of \`--timeout\` is 17, and ends only the wait: \`unkey attach\` follows the deployment again.
- SIGINT and SIGTERM end a command in order; the second one ends it at once with 130.
`;

/** The whole page. */
export async function exitCodesPage(root: Group): Promise<string> {
  const groups = new Map<string, string[]>();
  for (const { path, node } of leavesOf(root)) {
    const table = tableOf(exitCodesOf((await node.load()).command));
    groups.set(table, [...groups.get(table) ?? [], `\`unkey ${path.join(" ")}\``]);
  }
  const sections = Array.from(groups, ([table, names]) => `${heading(names)}\n${table}`);
  return [INTRODUCTION, ...sections].join("\n");
}

/** Commands with the same codes have one table. */
function heading([first = "", ...others]: readonly string[]): string {
  if (others.length === 0) return `## ${first}\n`;
  const count = others.length === 1 ? "1 other" : `${others.length} others`;
  return `## ${first} and ${count}\n\nAlso ${others.join(", ")}:\n`;
}

function tableOf(exits: readonly ExitMeaning[]): string {
  return `| code | meaning |\n| --- | --- |\n${
    exits.map(({ code, means }) => `| ${code} | ${means} |\n`).join("")
  }`;
}

/** Each command ends with each of its exit codes, with the program itself. */
import assert from "node:assert/strict";
import { ROOT } from "../../../cmd/root.ts";
import { OUTPUT_SCHEMAS } from "../../../dev/output_schemas.ts";
import { exitCodesOf } from "../../../cmd/shared/exit_codes.ts";
import { type Command, leavesOf } from "../../../pkg/cli/mod.ts";
import { CALLS } from "./exit_code_cases.ts";
import type { Call } from "./exit_code_rows.ts";
import { World } from "./world.ts";

/** Most of them wait, for retries or for a signal. */
const AT_ONCE = 8;

interface Case {
  readonly name: string;
  readonly code: number;
  readonly call: Call;
  readonly command: Command;
}

async function cases(): Promise<readonly Case[]> {
  const all: Case[] = [];
  for (const { path, node } of leavesOf(ROOT)) {
    const { command } = await node.load();
    const name = path.join(" ");
    const codes = exitCodesOf(command).map(({ code }) => code);
    const row = CALLS[name] ?? assert.fail(`"unkey ${name}" has no calls in exit_code_cases.ts`);
    assert.deepEqual(
      Object.keys(row).map(Number),
      codes,
      `"unkey ${name}" has a call for each exit code, and no other`,
    );
    for (const code of codes) {
      all.push({ name, code, command, call: row[code] ?? assert.fail("no such call") });
    }
  }
  return all;
}

async function check({ name, code, call, command }: Case): Promise<string[]> {
  await using world = await World.start(call.config);
  await call.prepare?.(world);
  const json = Object.values(command.fields).some(({ flag }) => flag === "output");
  const result = await world.run(json ? { ...call, args: [...call.args, "--json"] } : call);
  const label = `unkey ${name}: ${code}`;
  if (result.code !== code) return [`${label}: ended with ${result.code}\n${result.stdout}${result.stderr}`];
  if (!json || call.full === true) return [];
  const lines: unknown[] = result.stdout.split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line)
  );
  const said = exitCodeIn(lines.at(-1));
  const problems = said === code ? [] : [`${label}: the JSON says ${said}: ${result.stdout}`];
  const schema = OUTPUT_SCHEMAS[name] ??
    assert.fail(`"unkey ${name}" has no schema in dev/output_schemas.ts`);
  for (const line of lines) {
    const { error } = schema.safeParse(line);
    if (error !== undefined) {
      problems.push(`${label}: its schema refuses ${JSON.stringify(line)}: ${error.message}`);
    }
  }
  return problems;
}

/** A success needs none. */
function exitCodeIn(printed: unknown): unknown {
  return typeof printed === "object" && printed !== null && "exitCode" in printed ? printed.exitCode : 0;
}

Deno.test("every command ends with each exit code that it declares, and with JSON that says the same and fits its schema", async () => {
  const queue = [...await cases()];
  const problems: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { name, code } = next;
      problems.push(...await check(next).catch((error) => [`unkey ${name}: ${code}: ${error}`]));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(problems, []);
});

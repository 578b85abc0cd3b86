/** The help of every command is a file in `help/`, so that a change of a text, a default or a setting is seen. */
import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { dispatch, nodesOf } from "../../pkg/cli/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";

const FOLDER = new URL("help/", import.meta.url);
/** `UPDATE_GOLDEN=1` writes the texts anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

async function helpOf(path: readonly string[], columns = 100): Promise<string> {
  const terminal = { columns: () => columns };
  await using process = await testProcess({ args: [...path, "--help"], terminal });
  assert.equal(await dispatch(ROOT, process), 0);
  assert.equal(process.printed.stderr, "");
  return process.printed.stdout;
}

Deno.test("every command prints the help that it printed before", async (t) => {
  const names = new Set<string>();
  for (const { path } of nodesOf(ROOT)) {
    const name = `${["unkey", ...path].join("_")}.txt`;
    names.add(name);
    await t.step(["unkey", ...path].join(" "), async () => {
      const file = new URL(name, FOLDER);
      const printed = await helpOf(path);
      assert.doesNotMatch(printed, /\[object|undefined|NaN/);
      if (UPDATE) await Deno.writeTextFile(file, printed);
      const expected = await Deno.readTextFile(file).catch(() => undefined);
      assert.ok(expected !== undefined, `${name} is missing: "deno task golden" writes it`);
      assert.equal(printed, expected);
    });
  }
  const others = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name).filter((name) => !names.has(name));
  if (UPDATE) { for (const name of others) await Deno.remove(new URL(name, FOLDER)); }
  else assert.deepEqual(others, [], "files of commands that are gone");
});

Deno.test("help <command> prints what <command> --help prints", async () => {
  await using process = await testProcess({ args: ["help", "variables", "set"] });
  assert.equal(await dispatch(ROOT, process), 0);
  assert.equal(process.printed.stdout, await helpOf(["variables", "set"]));
});

Deno.test("the flags of every command and their explanations fit a terminal of 80 columns", async () => {
  for (const { path } of nodesOf(ROOT)) {
    const lines = (await helpOf(path, 80)).split("\n");
    const end = lines.findIndex((line) => line.startsWith("  -h, --help"));
    assert.ok(end > 0, path.join(" "));
    // A word that is longer stands alone.
    const long = lines.slice(lines.indexOf("Options:"), end)
      .filter((line) => line.length > 80 && line.trim().includes(" "));
    assert.deepEqual(long, [], path.join(" "));
  }
});

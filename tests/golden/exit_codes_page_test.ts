import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { exitCodesOf } from "../../cmd/shared/exit_codes.ts";
import { exitCodesPage } from "../../dev/exit_codes_page.ts";
import { leavesOf } from "../../pkg/cli/mod.ts";
import { formatted } from "./testing.ts";

const PAGE = new URL("../../docs/exit_codes.md", import.meta.url);
/** `UPDATE_GOLDEN=1` writes the page anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

Deno.test("docs/exit_codes.md has every command with the codes that it declares", async () => {
  const page = await formatted(await exitCodesPage(ROOT), "md");
  if (UPDATE) await Deno.writeTextFile(PAGE, page);
  assert.equal(await Deno.readTextFile(PAGE), page, '"deno task golden" writes the page');
  for (const { path } of leavesOf(ROOT)) {
    assert.ok(page.includes(`\`unkey ${path.join(" ")}\``), path.join(" "));
  }
});

Deno.test("the exit codes of each command begin with 0, 1 and 2, ascend, and are explained", async () => {
  for (const { path, node } of leavesOf(ROOT)) {
    const exits = exitCodesOf((await node.load()).command);
    const codes = exits.map(({ code }) => code);
    assert.deepEqual(codes.slice(0, 3), [0, 1, 2], path.join(" "));
    assert.deepEqual(codes, [...new Set(codes)].toSorted((a, b) => a - b), path.join(" "));
    for (const { means } of exits) assert.match(means, /^\S.*[^.\s]$/, path.join(" "));
  }
});

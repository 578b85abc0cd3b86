import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { cliPage } from "../../dev/cli_page.ts";
import { formatted } from "./testing.ts";
import { leavesOf } from "../../pkg/cli/mod.ts";

const PAGE = new URL("../../docs/cli.md", import.meta.url);
/** `UPDATE_GOLDEN=1` writes the page anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

Deno.test("docs/cli.md has every command and setting as they are declared", async () => {
  const page = await formatted(await cliPage(ROOT), "md");
  if (UPDATE) await Deno.writeTextFile(PAGE, page);
  assert.equal(await Deno.readTextFile(PAGE), page, '"deno task golden" writes the page');
  for (const { path, node } of leavesOf(ROOT)) {
    assert.match(page, new RegExp(`^## unkey ${path.join(" ")}$`, "m"));
    for (const { env } of Object.values((await node.load()).command.fields)) {
      assert.ok(page.includes(`\`${env}\``), env);
    }
  }
});

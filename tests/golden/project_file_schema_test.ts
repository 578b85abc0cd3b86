import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { dispatch } from "../../pkg/cli/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";
import { formatted } from "./testing.ts";

const FILE = new URL("../../docs/unkey.schema.json", import.meta.url);
/** `UPDATE_GOLDEN=1` writes the file anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

Deno.test("docs/unkey.schema.json is what config schema prints", async () => {
  await using process = await testProcess({ args: ["config", "schema"] });
  assert.equal(await dispatch(ROOT, process), 0);
  const schema = await formatted(process.printed.stdout, "json");
  if (UPDATE) await Deno.writeTextFile(FILE, schema);
  assert.equal(await Deno.readTextFile(FILE), schema, '"deno task golden" writes it');
});

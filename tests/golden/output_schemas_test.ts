import assert from "node:assert/strict";
import { ROOT } from "../../cmd/root.ts";
import { EVENT_SCHEMA, OUTPUT_SCHEMAS, schemaFiles } from "../../dev/output_schemas.ts";
import { leavesOf } from "../../pkg/cli/mod.ts";

const FOLDER = new URL("../../docs/schemas/", import.meta.url);
/** `UPDATE_GOLDEN=1` writes the files anew. */
const UPDATE = Deno.env.get("UPDATE_GOLDEN") === "1";

Deno.test("every command that prints JSON has a schema of it, and no other", async () => {
  const printing: string[] = [];
  for (const { path, node } of leavesOf(ROOT)) {
    const { command } = await node.load();
    if (Object.values(command.fields).some(({ flag }) => flag === "output")) printing.push(path.join(" "));
  }
  assert.deepEqual(Object.keys(OUTPUT_SCHEMAS).toSorted(), printing.toSorted());
});

Deno.test("docs/schemas has the schema of each command, and of events", async () => {
  const files = schemaFiles();
  if (UPDATE) { for (const [name, text] of files) await Deno.writeTextFile(new URL(name, FOLDER), text); }
  const there = Array.from(Deno.readDirSync(FOLDER), ({ name }) => name);
  assert.deepEqual(there.toSorted(), [...files.keys()].toSorted());
  for (const [name, text] of files) {
    assert.equal(
      await Deno.readTextFile(new URL(name, FOLDER)),
      text,
      `${name}: "deno task golden" writes it`,
    );
  }
});

Deno.test("a schema refuses a member that it does not name, and a failure without its code", () => {
  const schema = OUTPUT_SCHEMAS["stop"] ?? assert.fail("no schema");
  const failure = { error: { code: "not_found", message: "Not there.", request_id: "req_1" }, exitCode: 1 };
  const accepted: readonly unknown[] = [{ id: "d_1", status: "stopped" }, failure];
  const refused: readonly unknown[] = [
    { id: "d_1", status: "stopped", more: 1 },
    { id: "d_1" },
    { ...failure, exitCode: undefined },
    [],
  ];
  for (const each of accepted) assert.ok(schema.safeParse(each).success, JSON.stringify(each));
  for (const each of refused) assert.ok(!schema.safeParse(each).success, JSON.stringify(each));
  assert.ok(EVENT_SCHEMA.safeParse({ kind: "created", time: 1, id: "d_1" }).success);
  assert.ok(!EVENT_SCHEMA.safeParse({ kind: "created", id: "d_1" }).success);
});

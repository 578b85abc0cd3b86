import assert from "node:assert/strict";
import { field, secretField, switchField, textSchema } from "../../config/mod.ts";
import { defineCommand, type Group } from "../command.ts";
import { completionModel, flagsWithValues } from "./model.ts";

const valued = (flag: string, placeholder: string) =>
  field({ flag, env: "T", placeholder, help: "First sentence. Second one.", schema: textSchema() });

const command = defineCommand({
  fields: {
    text: valued("text", "<slug or id>"),
    file: valued("file", "<path>"),
    folder: valued("folder", "<folder>"),
    url: valued("url-path", "<url-path>"),
    choice: {
      ...valued("choice", "<docker|kubernetes>"),
      shorts: [{ flag: "docker", env: "T_DOCKER", value: "docker" }],
    },
    list: valued("list", "<name,...|none>"),
    on: switchField({ flag: "on", env: "T_ON", help: "On." }),
    secret: secretField({ env: "T_SECRET", help: "Secret.", required: false }),
  },
  positionals: [{ name: "what", help: "What.", required: false, choices: ["a", "b"] }],
  run: () => Promise.resolve(),
});
const GROUP: Group = {
  summary: "Things",
  commands: { list: { summary: "List", load: () => Promise.resolve({ command }) } },
};
const ROOT: Group = {
  summary: "Root",
  commands: { things: GROUP, hidden: { ...GROUP, hidden: true } },
};

Deno.test("completionModel() has every node, and lists those that are not hidden", async () => {
  const nodes = await completionModel(ROOT);
  assert.deepEqual(nodes.map(({ path }) => path), ["", "things", "things list", "hidden", "hidden list"]);
  assert.deepEqual(nodes[0]?.commands.map(({ word }) => word), ["things", "help"]);
  assert.deepEqual(nodes[1]?.commands, [{ word: "list", summary: "List" }]);
});

Deno.test("completionModel() knows the form of each value, and no secret", async () => {
  const leaf = (await completionModel(ROOT)).find(({ path }) => path === "things list");
  assert.deepEqual(leaf?.argument, { kind: "choice", choices: ["a", "b"] });
  assert.deepEqual(Object.fromEntries(leaf?.flags.map(({ word, value }) => [word, value]) ?? []), {
    "--text": { kind: "text" },
    "--file": { kind: "file" },
    "--folder": { kind: "folder" },
    "--url-path": { kind: "text" },
    "--choice": { kind: "choice", choices: ["docker", "kubernetes"] },
    "--docker": undefined,
    "--list": { kind: "text" },
    "--on": undefined,
    "--help": undefined,
  });
  assert.equal(leaf?.flags[0]?.summary, "First sentence");
});

Deno.test("flagsWithValues() joins the choices of all commands", () => {
  const node = (choices: readonly string[]) => ({
    path: "",
    commands: [],
    argument: undefined,
    flags: [{ word: "--wait", summary: "", value: { kind: "choice", choices } as const }],
  });
  const all = flagsWithValues([node(["none", "built"]), node(["built", "ready"])]);
  assert.deepEqual(all.get("--wait"), { kind: "choice", choices: ["none", "built", "ready"] });
});

Deno.test("flagsWithValues() leaves out switches", async () => {
  const flags = flagsWithValues(await completionModel(ROOT));
  assert.deepEqual([...flags.keys()], ["--text", "--file", "--folder", "--url-path", "--choice", "--list"]);
});

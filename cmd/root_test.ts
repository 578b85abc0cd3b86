import assert from "node:assert/strict";
import { completionModel, flagsWithValues } from "../pkg/cli/completions/model.ts";
import { leavesOf, VERSION } from "../pkg/cli/mod.ts";
import { defaultText } from "../pkg/config/mod.ts";
import { ROOT } from "./root.ts";

const REPOSITORY = new URL("..", import.meta.url).pathname;

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly isDynamic?: boolean;
      readonly code?: { readonly specifier: string };
    }[];
  }[];
}

/** `unkey --help` must answer at once, so it must not load the packages of commands. */
Deno.test("the command tree loads only itself and the parser of the command line", async () => {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "main.ts"],
    cwd: REPOSITORY,
  }).output();
  assert.ok(success);
  const { modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  const byName = new Map(modules.map((each) => [each.specifier, each]));
  const loaded = new Set<string>();
  const visit = (specifier: string): void => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    for (const { isDynamic, code } of byName.get(specifier)?.dependencies ?? []) {
      if (isDynamic !== true && code !== undefined) visit(code.specifier);
    }
  };
  visit(`file://${REPOSITORY}main.ts`);
  const ours = [...loaded].filter((each) => each.startsWith("file:")).map((each) =>
    each.split(REPOSITORY)[1]
  );
  const packages = [...loaded].filter((each) => each.startsWith("npm:") || each === "commander");
  assert.equal(packages.length, 1, packages.join("\n"));
  assert.match(packages[0] ?? "", /commander/);
  assert.ok(ours.length > 5);
  for (const path of ours) {
    assert.match(path ?? "", /^(main\.ts|cmd\/root\.ts|pkg\/(cli|clock|fault|uid|config\/secret))/);
  }
});

Deno.test("every command explains its settings, and takes secrets from variables only", async (t) => {
  for (const { path, node } of leavesOf(ROOT)) {
    await t.step(path.join(" "), async () => {
      const { command: { fields } } = await node.load();
      assert.notEqual(node.summary, "");
      const flags = Object.values(fields).flatMap((each) => each.flag ?? []);
      assert.equal(new Set(flags).size, flags.length, "no flag twice");
      for (const each of Object.values(fields)) {
        assert.match(each.env, /^[A-Z][A-Z0-9_]+$/);
        assert.match(each.help, /^[A-Z].*\.$/s, each.env);
        assert.equal(each.secret && each.flag !== undefined, false, `${each.env} is a secret and has a flag`);
        if (each.flag !== undefined) assert.match(each.flag, /^[a-z][a-z0-9-]+$/);
      }
    });
  }
});

Deno.test("every default is shown as a user types it", async () => {
  let shown = 0;
  for (const { path, node } of leavesOf(ROOT)) {
    for (const each of Object.values((await node.load()).command.fields)) {
      const text = defaultText(each);
      if (text === undefined) continue;
      shown++;
      assert.deepEqual(
        each.schema.parse(text),
        each.schema.parse(undefined),
        `${path.join(" ")}: ${each.env} shows its default as "${text}", which means something else`,
      );
    }
  }
  assert.ok(shown > 100, "defaults are found");
});

/** The completion scripts and users know a flag by its name alone. */
Deno.test("a flag means the same to every command: a switch, or the same form of value", async () => {
  const nodes = await completionModel(ROOT);
  const known = flagsWithValues(nodes);
  for (const { path, flags } of nodes) {
    for (const { word, value } of flags) assert.equal(value?.kind, known.get(word)?.kind, `${path} ${word}`);
  }
});

Deno.test("every choice that a placeholder names is a value of its setting", async () => {
  let found = 0;
  for (const { path, node } of leavesOf(ROOT)) {
    const { command: { fields } } = await node.load();
    const { flags } = await completionModel({ summary: "", commands: { it: node } }).then(([, it]) =>
      it ?? { flags: [] }
    );
    for (const each of Object.values(fields)) {
      const value = flags.find(({ word }) => word === `--${each.flag}`)?.value;
      if (value?.kind !== "choice") continue;
      found++;
      for (const choice of value.choices) {
        assert.ok(each.schema.safeParse(choice).success, `${path.join(" ")} --${each.flag} ${choice}`);
      }
    }
  }
  assert.ok(found > 5, "choices are found");
});

Deno.test("the version is the one of the package", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(`${REPOSITORY}deno.json`));
  assert.equal(VERSION, version);
});

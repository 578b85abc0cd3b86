import assert from "node:assert/strict";
import { join } from "node:path";
import { leavesOf, SHELLS } from "../../pkg/cli/mod.ts";
import { ROOT } from "../root.ts";
import { temporaryFolder, unkey } from "../shared/testing.ts";
import { completed, installedShells } from "./testing.ts";

const INSTALLED = await installedShells();

/** Text before the cursor, and words that must be offered; `only`: no others. */
interface Case {
  readonly line: string;
  readonly words: readonly string[];
  readonly only?: boolean;
}

const CASES: readonly Case[] = [
  { line: "unkey ", words: ["deploy", "variables", "help", "krane"] },
  { line: "unkey dep", words: ["deploy"], only: true },
  { line: "unkey variables ", words: ["list", "remove", "set"] },
  { line: "unkey vars s", words: ["set"], only: true },
  { line: "unkey admin region-tokens c", words: ["create"], only: true },
  { line: "unkey help variables s", words: ["set"], only: true },
  { line: "unkey deploy --no-", words: ["--no-cache", "--no-input"], only: true },
  { line: "unkey deploy --env qa --detach --no-c", words: ["--no-cache"], only: true },
  { line: "unkey --env variables variables s", words: ["set"], only: true },
  { line: "unkey krane --runtime ", words: ["docker", "kubernetes"], only: true },
  { line: "unkey krane --log-level w", words: ["warn"], only: true },
  { line: "unkey deploy --det", words: ["--detach"], only: true },
  { line: "unkey deploy --output js", words: ["json"], only: true },
  { line: "unkey list ", words: ["deployments", "projects"] },
  { line: "unkey completions ", words: ["bash", "fish", "zsh"] },
  { line: "unkey deploy --project ", words: [], only: true },
];

for (const shell of SHELLS) {
  Deno.test({
    name: `the completions of ${shell} offer commands, flags and values`,
    ignore: !INSTALLED.has(shell),
    async fn(t) {
      await using folder = await temporaryFolder();
      const script = join(folder.path, "unkey");
      await Deno.writeTextFile(script, (await unkey(["completions", shell])).stdout);
      const cwd = join(folder.path, "work");
      await Deno.mkdir(join(cwd, "apps"), { recursive: true });
      await Deno.writeTextFile(join(cwd, "app.env"), "");
      for (const { line, words, only = false } of CASES) {
        await t.step(line, async () => {
          const offered = await completed({ shell, script, line, cwd });
          if (only) assert.deepEqual(offered, words);
          else for (const word of words) assert.ok(offered.includes(word), `${word} of ${offered}`);
        });
      }
      await t.step("files and folders", async () => {
        const names = async (line: string): Promise<readonly string[]> =>
          (await completed({ shell, script, line, cwd })).map((each) => each.replace(/\/$/, ""));
        assert.deepEqual(await names("unkey variables set --from-file "), ["app.env", "apps"]);
        assert.deepEqual(await names("unkey deploy --context "), ["apps"]);
        assert.deepEqual(await names("unkey deploy ap"), ["apps"]);
      });
      await t.step("a value behind an equals sign", async () => {
        const offered = await completed({ shell, script, line: "unkey krane --runtime=k", cwd });
        assert.deepEqual(offered.map((word) => word.replace(/^--runtime=/, "")), ["kubernetes"]);
      });
    },
  });
}

Deno.test("completions name every command and flag", async () => {
  for (const shell of SHELLS) {
    const { code, stdout } = await unkey(["completions", shell]);
    assert.equal(code, 0);
    for (const { path, node } of leavesOf(ROOT)) {
      assert.ok(stdout.includes(path.join(" ")), `${shell}: ${path.join(" ")}`);
      for (const { flag, shorts = [] } of Object.values((await node.load()).command.fields)) {
        for (const each of [flag ?? [], shorts.map((short) => short.flag)].flat()) {
          assert.match(stdout, new RegExp(`(--|-l )${each}\\b`), `${shell}: ${each}`);
        }
      }
    }
  }
});

Deno.test("completions refuse a shell that they do not know", async () => {
  const { code, stdout, stderr } = await unkey(["completions", "tcsh"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /no completions for "tcsh"\. There are some for bash, zsh, fish\./);
});

import assert from "node:assert/strict";
import { GROUP_FILES_MAX, groupsOf, inGroups } from "./groups.ts";
import { SUITES } from "./list.ts";

const ROOT = new URL("../../", import.meta.url);

function files(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `pkg/a${String(index).padStart(3, "0")}_test.ts`);
}

Deno.test("groupsOf() puts each file into one group, neighbours together", () => {
  const groups = groupsOf("end to end", files(GROUP_FILES_MAX + 1).toReversed(), new URL("file:///project/"));
  assert.deepEqual(groups.map(({ name }) => name), ["end_to_end_1_test.ts", "end_to_end_2_test.ts"]);
  const [first, second] = groups.map(({ text }) => text.trimEnd().split("\n"));
  assert.equal(first?.length, GROUP_FILES_MAX);
  assert.equal(first?.[0], 'import "file:///project/pkg/a000_test.ts";');
  assert.deepEqual(second, [`import "file:///project/pkg/a0${GROUP_FILES_MAX}_test.ts";`]);
});

Deno.test("inGroups() takes every test of a suite's folders, and leaves other suites as they are", async () => {
  const folder = await Deno.makeTempDir({ prefix: "unkey-groups-" });
  try {
    for (const suite of SUITES) {
      const grouped = await inGroups(suite, folder, ROOT);
      if (suite.grouped !== true) {
        assert.equal(grouped, suite);
        continue;
      }
      const start = suite.args.indexOf("--no-check") + 1;
      assert.deepEqual(grouped.args.slice(0, start), suite.args.slice(0, start));
      assert.deepEqual(
        (await membersOf(grouped.args.slice(start))).toSorted(),
        await trackedTests(suite.args.slice(start)),
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function membersOf(groups: readonly string[]): Promise<string[]> {
  const texts = await Promise.all(groups.map((file) => Deno.readTextFile(file)));
  const urls = texts.join("").matchAll(/^import "(.+)";$/gm);
  return Array.from(urls, ([, url = ""]) => url.slice(ROOT.href.length));
}

/** In the order of JavaScript, with those that are not committed yet. */
async function trackedTests(folders: readonly string[]): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", ...folders],
    cwd: ROOT,
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((file) => /_test\.tsx?$/.test(file)).toSorted();
}

import assert from "node:assert/strict";
import { serves } from "../testbed/apps.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { docker } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly imageRemoved?: true;
}

Deno.test("old images go, and what they were for says so wherever somebody wants it back", async () => {
  await using leftovers = new AsyncDisposableStack();
  await using platform = await LocalPlatform.create();
  platform.settings["UNKEY_IMAGES_KEPT"] = "0";
  await platform.start();
  const unkey = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await platform.unkey(args);
    assert.equal(code, 0, `unkey ${args.join(" ")}\n${stderr}${stdout}`);
    return stdout;
  };
  const made: { readonly id: string; readonly image: string }[] = [];
  leftovers.defer(async () => void await docker(["rmi", ...made.map(({ image }) => image)]));
  const deploy = async (text: string): Promise<string> => {
    const folder = `${platform.directory}/${text}`;
    for (const [name, body] of Object.entries(serves(text))) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, body);
    }
    const { id, urls } = await platform.deploy([folder]);
    made.push({ id, image: JSON.parse(await unkey("status", id, "--json")).image });
    return urls[0] ?? "";
  };
  const inEngine = async (): Promise<readonly boolean[]> =>
    await Promise.all(
      made.map(async ({ image }) => (await docker(["images", "--quiet", image])).stdout.trim() !== ""),
    );

  await deploy("one");
  await deploy("two");
  const url = await deploy("three");
  await platform.answers(url, "three");
  const [d1, d2] = [made[0]?.id ?? "", made[1]?.id ?? ""];
  await unkey("stop", d1);
  await unkey("stop", d2);
  await eventually(
    "their containers to be gone",
    async () => (await platform.containers()).length === 1,
  );
  assert.deepEqual(await inEngine(), [true, true, true]);

  // A platform looks at its start.
  await platform.stop();
  await platform.start();
  await eventually("the first image to be gone", async () => !(await inEngine())[0]);
  const { deployments } = JSON.parse(await unkey("list", "--json")) as {
    readonly deployments: readonly Listed[];
  };
  assert.deepEqual(
    deployments.map(({ id, status, imageRemoved = false }) => [id, status, imageRemoved]).toReversed(),
    [[d1, "stopped", true], [d2, "stopped", false], [made[2]?.id, "ready", false]],
  );
  for (const args of [["start", d1], ["rollback", d1, "--yes"], ["promote", d1, "--yes"], ["redeploy", d1]]) {
    const { code, stderr } = await platform.unkey(args);
    assert.notEqual(code, 0, args.join(" "));
    assert.match(stderr, new RegExp(`image of deployment ${d1} was removed.*"unkey deploy"`), args.join(" "));
  }

  // What was live before is kept, whatever its age: a rollback that names nothing goes there.
  await unkey("rollback", "--project", "app", "--yes");
  await platform.answers(url, "two");
  assert.deepEqual(await inEngine(), [false, true, true]);
});

/** Commands that run once, on the whole platform: before a deployment's instances, where the end decides, and beside them. */
import assert from "node:assert/strict";
import { LocalPlatform } from "../testbed/local.ts";
import { docker } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

/** Prints something that no other run prints, so that runs can be counted. */
const RAN = 'echo "ran $(cat /proc/sys/kernel/random/uuid)"';

async function app(platform: LocalPlatform, text: string): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: platform.directory, prefix: "app-" });
  const serve = `CMD ["sh", "-c", "trap 'exit 0' TERM; httpd -f -p \\"$PORT\\" -h /www & wait"]`;
  await Deno.writeTextFile(`${folder}/Dockerfile`, `FROM busybox:stable\nCOPY www /www\n${serve}\n`);
  await Deno.mkdir(`${folder}/www`);
  await Deno.writeTextFile(`${folder}/www/index.html`, text);
  return folder;
}

/** The containers that run release commands; those of apps are others. */
async function releases(platform: LocalPlatform): Promise<readonly string[]> {
  return await platform.containers(["--filter", "label=unkey.task=release"]);
}

/** The containers that run any command. */
async function commands(platform: LocalPlatform): Promise<readonly string[]> {
  return await platform.containers(["--filter", "label=unkey.task"]);
}

/** The runs whose output the platform has. */
async function runsOf(platform: LocalPlatform, id: string): Promise<readonly string[]> {
  const { stdout } = await platform.unkey(["logs", id]);
  return [...new Set(stdout.match(/ran [0-9a-f-]{36}/g) ?? [])];
}

Deno.test("a release command runs once before its deployment, and decides about it", async (t) => {
  await using platform = await LocalPlatform.create();
  await platform.start();
  const url = "http://app-local.localhost/";
  const deploy = (folder: string, ...args: readonly string[]) =>
    platform.unkey(["deploy", folder, "--project", "app", "--env", "production", "--json", ...args]);
  let first = "";

  await t.step("the app starts after it, with its output in the log, the events and the trace", async () => {
    const folder = await app(platform, "version one");
    const settings = { releaseCommand: `test -f /www/index.html && test -n "$PORT" && ${RAN}` };
    await Deno.writeTextFile(`${folder}/unkey.json`, JSON.stringify(settings));
    const { code, stdout, stderr } = await deploy(folder);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /Running the release command in [\w-]+: test -f/);
    first = JSON.parse(stdout).id;
    await platform.answers(url, "version one");
    await eventually("its output in the log", async () => (await runsOf(platform, first)).length === 1);
    assert.match((await platform.unkey(["trace", first])).stdout, /release command/);
    await eventually("its container to go", async () => (await releases(platform)).length === 0);
  });

  await t.step(
    "a failure ends the deployment with its exit code, and the former version goes on",
    async () => {
      const folder = await app(platform, "version two");
      const { code, stdout } = await deploy(folder, "--release-command", "echo no such table; exit 3");
      assert.equal(code, 19, stdout);
      const { status, error } = JSON.parse(stdout);
      assert.deepEqual([status, error.code, error.phase], ["failed", "release_failed", "release"]);
      assert.match(error.message, /ended with exit code 3\..*no such table/s);
      await platform.answers(url, "version one");
      await eventually("its container to go", async () => (await releases(platform)).length === 0);
    },
  );

  await t.step("a command over its time limit is stopped, also one that ignores its signal", async () => {
    const folder = await app(platform, "version three");
    const endless = "trap '' TERM; while true; do echo yes; sleep 0.01; done";
    const args = ["--release-command", endless, "--release-timeout", "2s", "--stop-timeout", "1s"];
    const { code, stdout } = await deploy(folder, ...args);
    assert.equal(code, 19, stdout);
    assert.match(JSON.parse(stdout).error.message, /stopped after 2 s, its time limit/);
    await eventually("its container to go", async () => (await releases(platform)).length === 0);
  });

  await t.step("a cancel ends it", async () => {
    const folder = await app(platform, "version four");
    const slow = deploy(folder, "--release-command", "sleep 1000", "--stop-timeout", "1s");
    await eventually("it to run", async () => (await releases(platform)).length === 1);
    const { stdout } = await platform.unkey(["list", "--json"]);
    const [newest] = JSON.parse(stdout).deployments;
    assert.equal((await platform.unkey(["cancel", newest.id, "--yes"])).code, 0);
    assert.equal((await slow).code, 15);
    await eventually("its container to go", async () => (await releases(platform)).length === 0);
    await platform.answers(url, "version one");
  });

  await t.step("the whole platform may die while it runs: it is found again, and run once", async () => {
    const folder = await app(platform, "version five");
    const command = `${RAN}; while [ ! -e /tmp/go ]; do sleep 0.1; done`;
    const started = await deploy(folder, "--release-command", command, "--detach");
    assert.equal(started.code, 0, started.stdout + started.stderr);
    const { id } = JSON.parse(started.stdout);
    await eventually("it to run", async () => (await releases(platform)).length === 1);
    const [container = ""] = await releases(platform);
    await platform.stop("SIGKILL");
    await platform.start();
    await docker(["exec", container, "touch", "/tmp/go"]);
    await platform.answers(url, "version five");
    await eventually("its only run in the log", async () => (await runsOf(platform, id)).length === 1);
    await eventually("its container to go", async () => (await releases(platform)).length === 0);
    assert.equal((await runsOf(platform, id)).length, 1);
  });

  const run = (...words: readonly string[]) =>
    platform.unkey(["run", "--project", "app", "--env", "production", ...words]);

  await t.step("unkey run gives the output and the exit code of a command beside the app", async () => {
    const script = `test -n "$PORT" && cat /www/index.html && echo && echo trouble >&2 && exit 3`;
    const { code, stdout, stderr } = await run("--", "sh", "-c", script);
    assert.deepEqual([code, stdout], [3, "version five\n"], stderr);
    assert.match(stderr, /^trouble$/m);
    await platform.answers(url, "version five");
    await eventually("its container to go", async () => (await commands(platform)).length === 0);
  });

  await t.step(
    "a run goes on over the death of the platform, and is run once; a cancel ends one",
    async () => {
      const started = await run(
        "--detach",
        "--",
        "sh",
        "-c",
        `${RAN}; while [ ! -e /tmp/go ]; do sleep 0.1; done`,
      );
      assert.equal(started.code, 0, started.stderr);
      const id = started.stdout.trim();
      const state = async (): Promise<string> => {
        const { stdout } = await platform.unkey(["list", "runs", "--json"]);
        const { runs }: { runs: readonly { id: string; state: string }[] } = JSON.parse(stdout);
        return runs.find((each) => each.id === id)?.state ?? "";
      };
      await eventually("it to run", async () => await state() === "running");
      const [container = ""] = await commands(platform);
      await platform.stop("SIGKILL");
      await platform.start();
      await docker(["exec", container, "touch", "/tmp/go"]);
      await eventually("its end", async () => await state() === "succeeded");
      await eventually("its container to go", async () => (await commands(platform)).length === 0);
      const slow = await run("--detach", "--", "sleep", "1000");
      await eventually("it to run", async () => (await commands(platform)).length === 1);
      assert.equal((await platform.unkey(["cancel", slow.stdout.trim()])).code, 0);
      await eventually("its container to go", async () => (await commands(platform)).length === 0);
    },
  );

  await t.step("a rollback runs none", async () => {
    const rolledBack = await platform.unkey(["rollback", first, "--yes"]);
    assert.equal(rolledBack.code, 0, rolledBack.stderr);
    await platform.answers(url, "version one");
    assert.equal((await runsOf(platform, first)).length, 1);
  });
});

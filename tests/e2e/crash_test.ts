import assert from "node:assert/strict";
import { buildsSlowly, serves, servesLate } from "../testbed/apps.ts";
import { answers, type CommandResult, docker, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";

/** Starts a deploy and lets it run while the test breaks things. */
async function begin(bed: Testbed, project: string, app: Readonly<Record<string, string>>) {
  const folder = await writeApp(bed, app);
  const done = bed.unkey(["deploy", folder, "--project", project, "--env", "production", "--json"]);
  return { done, reaches: (status: string) => reaches(bed, project, status, done) };
}

/** Waits until the newest deployment of the project has `status`. */
async function reaches(
  bed: Testbed,
  project: string,
  status: string,
  done: Promise<CommandResult>,
): Promise<void> {
  let ended: CommandResult | undefined;
  void done.then((result) => ended = result);
  await eventually(`a deployment of ${project} to be ${status}`, async () => {
    if (ended !== undefined) throw new Error(`The deploy ended first: ${ended.stdout}\n${ended.stderr}`);
    const { stdout } = await bed.unkey(["list", "--project", project, "--limit", "1", "--json"]);
    return JSON.parse(stdout).deployments[0]?.status === status;
  });
}

async function endsReady(bed: Testbed, done: Promise<CommandResult>, text: string): Promise<void> {
  const result = await done;
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  const { id, status, urls } = JSON.parse(result.stdout);
  assert.equal(status, "ready");
  await answers(bed, urls[0], text);
  await eventually(`one container of ${id}`, async () => {
    const { stdout } = await docker(["ps", "--quiet", "--filter", `label=unkey.deployment-id=${id}`]);
    return stdout.trim().split("\n").length === 1;
  });
}

Deno.test("a deploy survives the death of every part", async (t) => {
  const schema = await (await mysqlServer())?.createSchema();
  assert.ok(schema, "a MySQL-compatible server is installed");
  try {
    await using bed = await Testbed.start({ databaseUrl: schema.url.reveal() });
    await bed.project("crash");

    await t.step("the worker is killed during the build", async () => {
      const { done, reaches } = await begin(bed, "crash", buildsSlowly("built", 4, crypto.randomUUID()));
      await reaches("building");
      await bed.parts.worker.kill("SIGKILL");
      await bed.parts.worker.start();
      await endsReady(bed, done, "built");
    });

    await t.step("the worker is killed while it waits for instances", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("late", 5));
      await reaches("deploying");
      await bed.parts.worker.kill("SIGKILL");
      await bed.parts.worker.start();
      await endsReady(bed, done, "late");
    });

    await t.step("Restate is killed while a deploy waits", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after restate", 5));
      await reaches("deploying");
      await bed.parts.restate.kill("SIGKILL");
      await bed.parts.restate.start();
      await endsReady(bed, done, "after restate");
    });

    await t.step("krane is killed while a deploy waits", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after krane", 5));
      await reaches("deploying");
      await bed.parts.krane.kill("SIGKILL");
      await bed.parts.krane.start();
      await endsReady(bed, done, "after krane");
    });

    await t.step("the api is killed while a deploy waits, and the command line goes on", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after api", 5));
      await reaches("deploying");
      await bed.parts.api.kill("SIGKILL");
      await bed.parts.api.start();
      await endsReady(bed, done, "after api");
    });

    await t.step("krane restarts and keeps the containers that it finds", async () => {
      const { done } = await begin(bed, "crash", serves("kept"));
      await endsReady(bed, done, "kept");
      const { urls, id } = JSON.parse((await done).stdout);
      const running = () => docker(["ps", "--quiet", "--filter", `label=unkey.deployment-id=${id}`]);
      const before = (await running()).stdout;
      await bed.parts.krane.kill("SIGKILL");
      await answers(bed, urls[0], "kept");
      await bed.parts.krane.start();
      assert.equal((await running()).stdout, before);
      await answers(bed, urls[0], "kept");
    });
  } finally {
    await schema.drop();
  }
});

import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { DeploymentService, DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { buildsSlowly, serves, servesLate } from "../testbed/apps.ts";
import { answers, type CommandResult, docker, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

const ASKED_WHILE_AWAY = 20;

/** Starts a deploy and lets it run while the test breaks things. */
async function begin(bed: Testbed, project: string, app: Readonly<Record<string, string>>) {
  const folder = await writeApp(bed, app);
  const done = bed.unkey(["deploy", folder, "--project", project, "--env", "production", "--json"]);
  return { done, reaches: (status: DeploymentStatus) => reaches(bed, status, done) };
}

/** Waits until the newest deployment has `status`; asks often, because some pass soon. */
async function reaches(
  bed: Testbed,
  status: DeploymentStatus,
  done: Promise<CommandResult>,
): Promise<void> {
  let ended: CommandResult | undefined;
  void done.then((result) => ended = result);
  const client = createRpcClient(DeploymentService, { baseUrl: bed.apiUrl, token: new Secret(bed.rootKey) });
  await eventually(`the newest deployment to be ${DeploymentStatus[status]}`, async () => {
    if (ended !== undefined) throw new Error(`The deploy ended first: ${ended.stdout}\n${ended.stderr}`);
    const { deployments } = await client.listDeployments({ pageSize: 1 });
    return deployments[0]?.status === status;
  });
}

/** The version that serves. */
interface Live {
  readonly url: string;
  readonly text: string;
}

async function endsReady(bed: Testbed, done: Promise<CommandResult>, text: string): Promise<Live> {
  const result = await done;
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  const { id, status, urls: [url] } = JSON.parse(result.stdout);
  assert.equal(status, "ready");
  await answers(bed, url, text);
  await eventually(`one container of ${id}`, async () => {
    const { stdout } = await docker(["ps", "--quiet", "--filter", `label=unkey.deployment-id=${id}`]);
    return stdout.trim().split("\n").length === 1;
  });
  return { url, text };
}

/** Kills a part, asks the version that serves while the part is away, and starts it again. */
async function restarted(bed: Testbed, part: keyof Testbed["parts"], { url, text }: Live): Promise<void> {
  await bed.parts[part].kill("SIGKILL");
  for (let asked = 0; asked < ASKED_WHILE_AWAY; asked++) {
    const { status, body } = await bed.get(url);
    assert.equal(status, 200, `while ${part} is away: ${body}`);
    assert.ok(body.includes(text), `while ${part} is away: ${body}`);
  }
  await bed.parts[part].start();
}

Deno.test("a deploy survives the death of every part", async (t) => {
  const schema = await (await mysqlServer())?.createSchema();
  assert.ok(schema, "a MySQL-compatible server is installed");
  try {
    await using bed = await Testbed.start({ databaseUrl: schema.url.reveal() });
    await bed.project("crash");
    let live = await endsReady(bed, (await begin(bed, "crash", serves("the first"))).done, "the first");

    await t.step("the worker is killed during the build", async () => {
      const { done, reaches } = await begin(bed, "crash", buildsSlowly("built", 10, crypto.randomUUID()));
      await reaches(DeploymentStatus.BUILDING);
      await restarted(bed, "worker", live);
      live = await endsReady(bed, done, "built");
    });

    await t.step("the worker is killed while it waits for instances", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("late", 10));
      await reaches(DeploymentStatus.DEPLOYING);
      await restarted(bed, "worker", live);
      live = await endsReady(bed, done, "late");
    });

    await t.step("Restate is killed while a deploy waits", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after restate", 10));
      await reaches(DeploymentStatus.DEPLOYING);
      await restarted(bed, "restate", live);
      live = await endsReady(bed, done, "after restate");
    });

    await t.step("krane is killed while a deploy waits", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after krane", 10));
      await reaches(DeploymentStatus.DEPLOYING);
      await restarted(bed, "krane", live);
      live = await endsReady(bed, done, "after krane");
    });

    await t.step("the api is killed while a deploy waits, and the command line goes on", async () => {
      const { done, reaches } = await begin(bed, "crash", servesLate("after api", 10));
      await reaches(DeploymentStatus.DEPLOYING);
      await restarted(bed, "api", live);
      live = await endsReady(bed, done, "after api");
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

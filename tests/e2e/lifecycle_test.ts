import assert from "node:assert/strict";
import { EXITS_AT_ONCE, NEVER_LISTENS, serves } from "../testbed/apps.ts";
import { Lanes } from "../testbed/lanes.ts";
import { answers, type CommandResult, docker, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

interface DeployJson {
  readonly id: string;
  readonly status: string;
  readonly urls: readonly string[];
}

interface SwitchJson {
  readonly from: string;
  readonly to: string;
  readonly path: string;
  readonly rolledBack: boolean;
}

function only<T>({ stdout, stderr }: CommandResult): T {
  assert.equal(stdout.trim().split("\n").length, 1, `one JSON object expected: ${stdout}\n${stderr}`);
  return JSON.parse(stdout);
}

/** Ids of all containers of a deployment, running or not. */
async function containersOf(deploymentId: string): Promise<string[]> {
  const filter = `label=unkey.deployment-id=${deploymentId}`;
  const { stdout } = await docker(["ps", "--all", "--quiet", "--filter", filter]);
  return stdout.split("\n").filter((id) => id !== "");
}

/** A commit gives a deployment a host name of its own. */
async function commit(folder: string, message: string): Promise<void> {
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  for (
    const args of [["init", "--quiet", "--initial-branch=main"], ["add", "."], [
      "commit",
      "--quiet",
      "-m",
      message,
    ]]
  ) {
    const { success, stderr } = await new Deno.Command("git", { args: ["-C", folder, ...author, ...args] })
      .output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }
}

/** Everything a deployment can live through, by the command line, on real containers behind the real edge. */
Deno.test("a deployment's whole life", async (t) => {
  await using bed = await Testbed.start({
    workerEnv: {
      UNKEY_STOP_GRACE_SECONDS: "1",
      UNKEY_STOP_WARM_COUNT: "2",
      UNKEY_DEPLOY_LISTEN_SECONDS: "60",
    },
  });
  const { slug } = await bed.project("shop");
  const where = ["--project", slug, "--env", "production"];
  const deploy = async (text: string): Promise<DeployJson> => {
    const folder = await writeApp(bed, serves(text));
    await commit(folder, text);
    const result = await bed.unkey(["deploy", folder, ...where, "--json"]);
    assert.equal(result.code, 0, result.stderr);
    return only(result);
  };
  const list = async (): Promise<string> => {
    const { deployments } = only<{ deployments: { id: string; status: string; live: boolean }[] }>(
      await bed.unkey(["list", "--json"]),
    );
    return deployments.map(({ id, status, live }) => `${id} ${status}${live ? " live" : ""}`).sort().join(
      ", ",
    );
  };

  const d1 = await deploy("version 1");
  const d2 = await deploy("version 2");
  const d3 = await deploy("version 3");
  const url = d3.urls[0] ?? "";
  await answers(bed, url, "version 3");

  const lanes = new Lanes({ port: bed.ports.edge, url, lanes: 4, version: /version \d/ });
  await t.step("rollback goes back one step at a time, at once, and says so", async () => {
    const plan = await bed.unkey(["rollback", ...where, "--plan"]);
    assert.match(
      plan.stdout,
      new RegExp(`would roll back shop/production from ${d3.id} to ${d2.id}\ninstant: `),
    );
    const done = await bed.unkey(["rollback", ...where, "--yes"]);
    assert.match(
      done.stdout,
      new RegExp(`^rolled back shop/production from ${d3.id} to ${d2.id} \\(instant, .* s\\): http`),
    );
    await answers(bed, url, "version 2");
    const again = only<SwitchJson>(await bed.unkey(["rollback", ...where, "--yes", "--json"]));
    assert.deepEqual([again.from, again.to, again.path, again.rolledBack], [d2.id, d1.id, "instant", true]);
    await answers(bed, url, "version 1");
  });

  let d4: DeployJson;
  await t.step("while rolled back a new deployment gets ready and waits for promote", async () => {
    d4 = await deploy("version 4");
    await answers(bed, d4.urls.at(-1) ?? "", "version 4");
    await answers(bed, url, "version 1");
    const promoted = await bed.unkey(["promote", d4.id, "--yes"]);
    assert.equal(promoted.code, 0, promoted.stderr);
    await answers(bed, url, "version 4");
  });

  await t.step("cancel of the live one gives its traffic back, also when repeated", async () => {
    const done = await bed.unkey(["cancel", d4.id, "--yes"]);
    assert.match(done.stdout, new RegExp(`^rolled back shop/production from ${d4.id} to ${d1.id} `));
    await answers(bed, url, "version 1");
    const again = await bed.unkey(["cancel", d4.id, "--yes"]);
    assert.equal(again.code, 0, again.stderr);
    assert.match(await list(), new RegExp(`${d1.id} ready live`));
    await bed.unkey(["promote", d1.id, "--yes"]);
  });

  await t.step(
    "what is live is not stopped; what is stopped says so at its host name, and starts again",
    async () => {
      const refused = await bed.unkey(["stop", d1.id, "--json"]);
      assert.equal(refused.code, 18, refused.stderr);
      assert.match(refused.stderr, /serves shop-production-test/);
      await bed.unkey(["stop", d2.id]);
      await eventually("its containers to be gone", async () => (await containersOf(d2.id)).length === 0);
      const own = d2.urls.at(-1) ?? "";
      await eventually("its host name to say that it is stopped", async () => {
        const { status, body } = await bed.get(own);
        return status === 503 && body.includes("deployment_stopped");
      });
      const started = await bed.unkey(["start", d2.id]);
      assert.match(started.stdout, new RegExp(`^${d2.id} runs \\(`), started.stderr);
      await answers(bed, own, "version 2");
      await bed.unkey(["stop", d2.id]);
    },
  );

  await t.step("rollback to a stopped deployment starts it first", async () => {
    const plan = await bed.unkey(["rollback", d2.id, "--plan"]);
    assert.match(plan.stdout, /\ncold: it is stopped/);
    const done = only<SwitchJson>(await bed.unkey(["rollback", d2.id, "--yes", "--json"]));
    assert.deepEqual([done.from, done.to, done.path], [d1.id, d2.id, "cold"]);
    await answers(bed, url, "version 2");
    await bed.unkey(["promote", d2.id, "--yes"]);
  });

  await t.step("no request failed meanwhile", async () => {
    const { asked, failed } = await lanes.stop();
    assert.deepEqual(failed, []);
    assert.ok(asked > 100, `${asked} requests`);
  });

  /** Everything that a deploy which comes to nothing must leave alone, but for deployments `apartFrom` these. */
  const everything = async (apartFrom: readonly string[]) => {
    const { deployments } = only<{ deployments: Record<string, unknown>[] }>(
      await bed.unkey(["list", "--json", "--limit", "100"]),
    );
    const pages = await Promise.all(
      [d1, d2, d3, d4].flatMap(({ urls }) => urls).map(async (each) => {
        const { status, body } = await bed.get(each);
        return `${each} ${status} ${/version \d/.exec(body)?.[0] ?? ""}`;
      }),
    );
    return {
      deployments: deployments.filter(({ id }) => !apartFrom.includes(String(id))),
      containers: (await bed.containers()).toSorted(),
      pages,
    };
  };

  await t.step("a deploy that fails, and one that is cancelled, leave everything as it was", async () => {
    const before = await everything([]);
    const failed = await bed.unkey(["deploy", await writeApp(bed, EXITS_AT_ONCE), ...where, "--json"]);
    assert.notEqual(failed.code, 0);
    const ids = [only<DeployJson>(failed).id];

    const folder = await writeApp(bed, NEVER_LISTENS);
    const { id } = only<DeployJson>(await bed.unkey(["deploy", folder, ...where, "--json", "--detach"]));
    ids.push(id);
    await eventually("its container to run", async () => (await containersOf(id)).length > 0);
    const cancelled = await bed.unkey(["cancel", id]);
    assert.equal(cancelled.code, 0, cancelled.stderr);
    await eventually("it to be cancelled", async () => (await list()).includes(`${id} cancelled`));

    for (const each of ids) {
      await eventually(
        `the containers of ${each} to be gone`,
        async () => (await containersOf(each)).length === 0,
      );
    }
    assert.match(await list(), new RegExp(`${ids[0]} failed`));
    assert.deepEqual(await everything(ids), before);
  });

  await t.step("the audit log has all of it", async () => {
    const { stdout } = await bed.unkey(["audit", "--json"]);
    for (const action of ["rollback", "promote", "stop", "start"]) {
      assert.match(stdout, new RegExp(`deployment.${action}`));
    }
  });
});

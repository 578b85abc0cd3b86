/** Deploys that wait for each other, as a person at the command line sees it, with real builds. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { buildsSlowly, serves } from "../testbed/apps.ts";
import { answers, type CommandResult, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

/** Longer than the whole test: such a build ends by being cancelled. */
const FOR_EVER_SECONDS = 1_800;
const CANCELLED = 15;
const SUPERSEDED = 16;

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly branch: string;
  readonly queue?: { readonly position: number; readonly blockers: readonly string[] };
}

class Shop {
  readonly #bed: Testbed;
  readonly #slug: string;

  constructor(bed: Testbed, slug: string) {
    this.#bed = bed;
    this.#slug = slug;
  }

  async deploy(
    branch: string,
    app: Readonly<Record<string, string>>,
  ): Promise<{ done: Promise<CommandResult> }> {
    const folder = await writeApp(this.#bed, app);
    const where = ["--project", this.#slug, "--env", "preview", "--branch", branch];
    return { done: this.#bed.unkey(["deploy", folder, ...where, "--json"]) };
  }

  /** The newest deployment of a branch, as soon as it has this status. */
  async reaches(branch: string, status: string): Promise<Shown> {
    let found: Shown | undefined;
    await eventually(`${branch} to be ${status}`, async () => {
      const { stdout } = await this.#bed.unkey(["list", "--project", this.#slug, "--json"]);
      const { deployments }: { deployments: readonly Shown[] } = JSON.parse(stdout);
      found = deployments.find((each) => each.branch === branch);
      return found?.status === status;
    });
    assert.ok(found);
    return found;
  }
}

/** The build that has the slot ends, and another one may begin. */
async function cancelled(bed: Testbed, id: string, done: Promise<CommandResult>): Promise<void> {
  const access = { baseUrl: bed.apiUrl, token: new Secret(bed.rootKey) };
  await createRpcClient(DeploymentService, access).cancelDeployment({ deploymentId: id });
  const { code, stdout, stderr } = await done;
  assert.equal(code, CANCELLED, `${stdout}\n${stderr}`);
}

async function endsReady(bed: Testbed, done: Promise<CommandResult>, text: string): Promise<void> {
  const { code, stdout, stderr } = await done;
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  await answers(bed, JSON.parse(stdout).urls[0], text);
}

Deno.test("deploys at once wait for a build slot", async (t) => {
  await using bed = await Testbed.start({ workerEnv: { UNKEY_BUILDS_MAX: "1" } });
  const { slug } = await bed.project("shop");
  const shop = new Shop(bed, slug);

  await t.step(
    "the second one says what it waits for, in deploy, list and status",
    async () => {
      const first = await shop.deploy("one", buildsSlowly("never", FOR_EVER_SECONDS, crypto.randomUUID()));
      const building = await shop.reaches("one", "building");
      const second = await shop.deploy("two", serves("second"));
      const queued = await shop.reaches("two", "queued");
      assert.deepEqual([queued.queue?.position, queued.queue?.blockers], [1, [building.id]]);
      const list = await bed.unkey(["list"]);
      assert.match(list.stdout, new RegExp(`^${queued.id} .* queued #1 `, "m"));
      const status = await bed.unkey(["status", queued.id]);
      const blocker = `next in line, running now: ${building.id} of shop (preview)`;
      assert.ok(status.stdout.includes(`queue        ${blocker}\n`), status.stdout);
      await cancelled(bed, building.id, first.done);
      await endsReady(bed, second.done, "second");
      const { stderr } = await second.done;
      assert.ok(stderr.includes(`.. Waiting for a build slot: ${blocker}\n`), stderr);
      assert.match(stderr, /ok waiting for a build slot \(\d/);
    },
  );

  await t.step(
    "one that waits gives way to a newer one of its branch, with an exit code of its own",
    async () => {
      const first = await shop.deploy("one", buildsSlowly("never", FOR_EVER_SECONDS, crypto.randomUUID()));
      const building = await shop.reaches("one", "building");
      const older = await shop.deploy("two", serves("older"));
      const queued = await shop.reaches("two", "queued");
      const newer = await shop.deploy("two", serves("newer"));
      const { code, stdout } = await older.done;
      const result = JSON.parse(stdout);
      assert.deepEqual([code, result.id, result.status, result.error.code], [
        SUPERSEDED,
        queued.id,
        "superseded",
        "superseded",
      ]);
      await cancelled(bed, building.id, first.done);
      await endsReady(bed, newer.done, "newer");
      const { id } = JSON.parse((await newer.done).stdout);
      assert.ok(result.error.message.endsWith(`took its place: ${id}.`), result.error.message);
    },
  );
});

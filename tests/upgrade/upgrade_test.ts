/**
 * The previous release and this one side by side, on real parts: an upgrade with workflows in flight, and the way back,
 * while visitors ask an app and users deploy all the time.
 */
import assert from "node:assert/strict";
import { hasMysqlServer, mysqlServer } from "../../pkg/testkit/mariadb.ts";
import { serves } from "../testbed/apps.ts";
import { Balancer } from "../testbed/balancer.ts";
import { Lanes } from "../testbed/lanes.ts";
import type { Part } from "../testbed/process.ts";
import {
  PREVIOUS_RELEASE,
  PREVIOUS_RELEASE_ABSENT,
  programOf,
  THIS_RELEASE,
} from "../testbed/previous_release.ts";
import {
  type AnotherPart,
  answers,
  type CommandResult,
  docker,
  Testbed,
  writeApp,
} from "../testbed/testbed.ts";
import { eventually } from "../testbed/wait.ts";

const FORMER = programOf(PREVIOUS_RELEASE);
const LANES = 8;
const PAUSE_MS = 20;

function deploy(bed: Testbed, program: readonly string[], folder: string, project: string) {
  return bed.unkeyOf(program, ["deploy", folder, "--project", project, "--env", "production", "--json"]);
}

function idOf({ code, stdout, stderr }: CommandResult): string {
  assert.equal(code, 0, `a deploy was lost: ${stdout}\n${stderr}`);
  const { id, status } = JSON.parse(stdout);
  assert.equal(status, "ready");
  return id;
}

/** Users of both releases who deploy one version after the other until they are stopped. */
class Deploys {
  readonly ids: string[] = [];
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(bed: Testbed, slug: string) {
    this.#running = this.#run(bed, slug);
    this.#running.catch(() => undefined); // seen by `stop`
  }

  /** Waits until `count` more were begun and have ended. */
  async more(count: number): Promise<void> {
    const until = this.ids.length + count;
    await Promise.race([
      eventually(`${count} more deploys`, () => this.ids.length >= until, { deadlineMs: 180_000 }),
      this.#running,
    ]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(bed: Testbed, slug: string): Promise<void> {
    for (let version = 2; !this.#stopped; version++) {
      const folder = await writeApp(bed, serves(`version ${version}.`));
      const program = version % 2 === 0 ? FORMER : THIS_RELEASE;
      this.ids.push(idOf(await deploy(bed, program, folder, slug)));
    }
  }
}

/** Listens as soon as there is a file in its container. */
const GATED = {
  Dockerfile: [
    "FROM busybox:stable",
    "COPY www /www",
    `CMD ["sh", "-c", "trap 'exit 0' TERM; until [ -f /go ]; do sleep 1 & wait $!; done; httpd -f -p \\"$PORT\\" -h /www & wait"]`,
  ].join("\n"),
  "www/index.html": "slow",
};

/** Begins a deploy, changes something while the workflow waits for the app, and lets the app listen then. */
async function inFlight(bed: Testbed, text: string, change: () => Promise<void>): Promise<void> {
  const folder = await writeApp(bed, { ...GATED, "www/index.html": text });
  const running = deploy(bed, THIS_RELEASE, folder, "slow");
  let container = "";
  let ended: CommandResult | undefined;
  void running.then((result) => ended = result);
  await eventually("the app to wait", async () => {
    if (ended !== undefined) throw new Error(`the deploy ended first: ${ended.stdout}\n${ended.stderr}`);
    const { stdout } = await bed.unkey(["list", "--project", "slow", "--json"]);
    const newest = JSON.parse(stdout || "{}").deployments?.[0];
    if (newest?.status !== "deploying") return false;
    const label = `label=unkey.deployment-id=${newest.id}`;
    container = (await docker(["ps", "--quiet", "--filter", label])).stdout.trim();
    return container !== "";
  }, { everyMs: 500 });
  await change();
  await docker(["exec", container, "touch", "/go"]);
  idOf(await running);
}

Deno.test({
  name:
    "the previous release and this one work side by side, forward and back, without a lost request or deploy",
  ignore: PREVIOUS_RELEASE_ABSENT || !hasMysqlServer(),
  async fn(t) {
    const schema = await (await mysqlServer())?.createSchema();
    assert.ok(schema !== undefined);
    await using api = await Balancer.listen();
    await using edge = await Balancer.listen();
    const bed = await Testbed.start({
      program: FORMER,
      databaseUrl: schema.url.reveal(),
      balancers: { api, edge },
      // For as long, an edge that ends asks its clients to connect anew.
      edgeEnv: { UNKEY_FRONTLINE_STOP_DELAY_MS: "3000" },
      // Longer than that: an edge that ends gets no new routes, and needs the former instances.
      workerEnv: { UNKEY_STOP_GRACE_SECONDS: "30", UNKEY_DEPLOY_LISTEN_SECONDS: "240" },
    });
    const started: Part[] = [];
    const start = async (
      name: "api" | "worker" | "krane" | "edge",
      program = THIS_RELEASE,
    ): Promise<AnotherPart> => {
      const another = bed.another(name, program);
      started.push(another.part);
      await another.part.start();
      return another;
    };
    try {
      const { slug } = await bed.project("shop");
      await bed.project("slow");
      const folder = await writeApp(bed, serves("version 1."));
      const first = await deploy(bed, FORMER, folder, slug);
      idOf(first);
      const [url = ""] = JSON.parse(first.stdout).urls;
      await answers(bed, url, "version 1.");
      const lanes = new Lanes({
        port: edge.port,
        url,
        lanes: LANES,
        pauseMs: PAUSE_MS,
        version: /version \d+\./,
      });
      const deploys = new Deploys(bed, slug);

      let ours: AnotherPart | undefined;
      await t.step("a new api takes over from the former one", async () => {
        ours = await start("api");
        api.lead(ours.ports.api);
        await bed.parts.api.kill("SIGTERM");
        await deploys.more(1);
      });
      let worker: AnotherPart | undefined;
      await t.step("a deploy of the former worker ends with the new one", async () => {
        await inFlight(bed, "slow 1", async () => {
          worker = await start("worker");
          await bed.parts.worker.kill("SIGTERM");
        });
        assert.match(await bed.parts.worker.logTail(), /workflows left to another worker/);
        await deploys.more(1);
      });
      await t.step("a new edge takes over from the former one", async () => {
        const { ports } = await start("edge");
        edge.lead(ports.edge);
        await bed.parts.edge.kill("SIGTERM");
      });
      await t.step("a new agent takes over from the former one", async () => {
        await bed.parts.krane.kill("SIGTERM");
        await start("krane");
        await deploys.more(1);
      });
      await t.step("back: deploys of the new worker end with the former release", async () => {
        const former = await start("api", FORMER);
        await inFlight(bed, "slow 2", async () => {
          await start("worker", FORMER);
          await worker?.part.kill("SIGTERM");
        });
        api.lead(former.ports.api);
        await ours?.part.kill("SIGTERM");
        await deploys.more(2);
      });
      await deploys.stop();
      const { asked, failed } = await lanes.stop();
      await t.step(`${asked} requests, ${deploys.ids.length} deploys`, () => {
        assert.deepEqual(failed, []);
        assert.equal(new Set(deploys.ids).size, deploys.ids.length);
        assert.ok(asked > 500 && deploys.ids.length >= 5);
      });
    } finally {
      for (const part of started.toReversed()) await part.kill("SIGKILL");
      await bed[Symbol.asyncDispose]();
      await schema.drop();
    }
  },
});

/** Api, worker and edge as processes without a free descriptor for a while: each says so, and serves as before afterwards. */
import assert from "node:assert/strict";
import { canRun, runCommand } from "../../pkg/testkit/commands.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { askEdge } from "../testbed/ask.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { app } from "./frontline_edge.ts";
import { Feed, feedShop } from "./frontline_feed.ts";
import { WorkerBed } from "./worker_bed.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const TOKEN = "service-token-of-the-tests";
const ignore = Deno.build.os !== "linux" || !await canRun([["prlimit", "--version"]]);
/** As many as a service mostly has. */
const DESCRIPTORS = 1_024;

function mainPart(
  folder: string,
  words: readonly string[],
  env: Record<string, string>,
  health: string,
): Part {
  return new Part({
    name: words.join(" "),
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", MAIN, ...words],
    env: () => env,
    logFile: `${folder}/log`,
    ready: () => answersOk(health),
  });
}

async function setDescriptors(part: Part, count: number): Promise<void> {
  await runCommand("prlimit", "--pid", String(part.pid), `--nofile=${count}:`);
}

/** Takes every free descriptor of a process with clients that connect, until its log says so. */
async function starve(part: Part, port: number): Promise<void> {
  const open = await Array.fromAsync(Deno.readDir(`/proc/${part.pid}/fd`));
  await setDescriptors(part, open.length);
  const clients: Deno.Conn[] = [];
  try {
    await eventually("a line about descriptors", async () => {
      if (clients.length < 100) clients.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      return (await part.logTail(200)).includes("descriptors ran out");
    });
  } finally {
    for (const each of clients) each.close();
    await setDescriptors(part, DESCRIPTORS);
  }
  assert.ok(part.running);
}

Deno.test({
  name: "an api whose descriptors run out answers again when some are free",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const api = mainPart(folder, ["ctrl", "api"], {
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(port),
      UNKEY_DATABASE_PRIMARY: `sqlite://${folder}/unkey.db`,
      UNKEY_BUILD_FILES_DIR: `${folder}/objects`,
      UNKEY_AUTH_TOKEN: TOKEN,
      UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
    }, `${url}/health/ready`);
    try {
      await api.start();
      await starve(api, port);
      await eventually("the api to be ready", () => answersOk(`${url}/health/ready`));
      const admin = createRpcClient(AdminService, { baseUrl: url, token: new Secret(TOKEN) });
      assert.match((await admin.createWorkspace({ slug: "acme" })).workspaceId, /^ws_/);
    } finally {
      await api.kill("SIGTERM");
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "an edge whose descriptors run out serves its apps again when some are free",
  ignore,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    await using feed = await Feed.start();
    const shop = app("shop");
    const [port, health] = [freePort(), freePort()];
    const edge = mainPart(folder, ["frontline"], {
      UNKEY_CONTROL_PLANE_URL: feed.url,
      UNKEY_CONTROL_PLANE_BEARER: "region_edge",
      UNKEY_REGION: "local",
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(port),
      UNKEY_HEALTH_PORT: String(health),
      UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
    }, `http://127.0.0.1:${health}/health/ready`);
    const fed = feedShop(feed, shop.port);
    try {
      await edge.start();
      await fed;
      const ask = () => askEdge(port, "http://shop.localhost/").then(({ body }) => body, () => "");
      assert.equal(await ask(), "shop");
      await starve(edge, port);
      await eventually("the app to answer", async () => await ask() === "shop");
      assert.ok(await answersOk(`http://127.0.0.1:${health}/health/live`));
    } finally {
      await edge.kill("SIGTERM");
      await shop.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "a worker whose descriptors run out goes on with its deploys when some are free",
  ignore,
  fn: async () => {
    const bed = await WorkerBed.startWith({ worker: (part) => new Part(part) });
    try {
      await starve(bed.worker, Number(new URL(bed.endpointUrl).port));
      await eventually("the worker to be ready", () => answersOk(`${bed.healthUrl}/ready`));
      const id = await bed.create("ok");
      await bed.workflows.submitDeploy(id);
      await bed.until(id, "ready");
    } finally {
      await bed.stop();
    }
  },
});

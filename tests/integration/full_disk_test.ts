import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { createLogger } from "../../pkg/logger/mod.ts";
import { findRestateServer, startRestateServer } from "../../pkg/restate_server/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { askAt } from "../../pkg/unix_http/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { failure } from "../../svc/ctrl/services/testing.ts";
import { askEdge } from "../testbed/ask.ts";
import { Part } from "../testbed/process.ts";
import { canMount, SmallDisk } from "../testbed/small_disk.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { app } from "./frontline_edge.ts";
import { Feed, feedShop } from "./frontline_feed.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const TOKEN = "service-token-of-the-tests";
const ignore = !await canMount();
/** A part must not show a caller what the system reported to it. */
const INTERNAL = /os error|ENOSPC|left on device|SQLite/i;

/** A part of the platform with its log and all its files on a small disk. */
function partOn(disk: SmallDisk, words: readonly string[], env: Record<string, string>, ready: string): Part {
  return new Part({
    name: words.join(" "),
    command: Deno.execPath(),
    args: ["run", "-A", "--no-check", MAIN, ...words],
    env: () => env,
    logFile: `${disk.folder}/log`,
    ready: () => answersOk(ready),
  });
}

async function readiness(url: string): Promise<number> {
  const answer = await fetch(`${url}/health/ready`);
  await answer.body?.cancel();
  return answer.status;
}

Deno.test({
  name:
    "an api on a full disk answers what it can, refuses the rest in words, and goes on when there is room",
  ignore,
  fn: async () => {
    await using disk = await SmallDisk.mount(16);
    const url = `http://127.0.0.1:${freePort()}`;
    const api = partOn(disk, ["ctrl", "api"], {
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: new URL(url).port,
      UNKEY_DATABASE_PRIMARY: `sqlite://${disk.folder}/unkey.db`,
      UNKEY_BUILD_FILES_DIR: `${disk.folder}/objects`,
      UNKEY_UPLOAD_DISK_FREE_MIB: "0",
      UNKEY_AUTH_TOKEN: TOKEN,
      UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
      UNKEY_LOG_LEVEL: "debug",
    }, `${url}/health/ready`);
    try {
      await api.start();
      const admin = createRpcClient(AdminService, { baseUrl: url, token: new Secret(TOKEN) });
      await admin.createWorkspace({ slug: "acme" });
      await disk.fill();
      // Room in the log of the database is used up first.
      await eventually("the first write to fail", async () => {
        const slug = `w${crypto.randomUUID().slice(0, 8)}`;
        const call = Promise.all(
          Array.from({ length: 20 }, (_, index) => admin.createWorkspace({ slug: `${slug}-${index}` })),
        );
        return await call.then(() => false, () => true);
      });
      const refusal = await failure(admin.createWorkspace({ slug: "another" }));
      assert.deepEqual(
        [refusal.code, INTERNAL.test(refusal.message)],
        [Code.Unavailable, false],
        refusal.message,
      );
      assert.match(refusal.rawMessage, /disk of the database is full/);
      assert.ok((await admin.listWorkspaces({})).workspaces.length > 0, "reads go on");
      const stranger = await failure(
        createRpcClient(AdminService, { baseUrl: url }).listWorkspaces({}),
      );
      assert.equal(stranger.code, Code.Unauthenticated);
      await eventually("the api to be not ready", async () => await readiness(url) === 503);
      assert.ok(api.running);

      await disk.free();
      await eventually("the api to be ready", async () => await readiness(url) === 200);
      await admin.createWorkspace({ slug: "afterwards" });
      assert.match(await Deno.readTextFile(`${disk.folder}/log`), /"event":"log lines lost","lines":[1-9]/);
      assert.ok(api.running);
    } finally {
      await api.kill("SIGTERM");
    }
  },
});

/** It is part of `unkey up`, which ends, with all apps, when the server is given up. */
Deno.test({
  name: "a Restate server that dies on a full disk is started until there is room, however often it dies",
  ignore,
  fn: async () => {
    await using disk = await SmallDisk.mount(500);
    const { signal } = new AbortController();
    const { path } = await findRestateServer({
      env: (name) => Deno.env.get(name),
      clock: systemClock(),
      signal,
    });
    const lines: string[] = [];
    const server = await startRestateServer({
      binary: path,
      baseDir: `${disk.folder}/restate`,
      logFile: `${disk.folder}/restate.log`,
      clock: systemClock(),
      log: createLogger({ service: "test", level: "info", write: (line) => void lines.push(line) }),
      signal,
    });
    let end = "none";
    server.ended.then(() => end = "stopped", () => end = "given up");
    const isHealthy = () => askAt(server.ingressUrl, "/restate/health", {}).then(({ ok }) => ok, () => false);
    try {
      await disk.fill();
      Deno.kill(server.pid, "SIGKILL");
      await eventually(
        "more deaths than a server with room may die",
        () => Promise.resolve(lines.some((line) => line.includes(`"deaths":7`)) || end !== "none"),
      );
      assert.equal(end, "none");
      await disk.free();
      await eventually("the server to be back", async () => await isHealthy() || end !== "none");
      assert.equal(end, "none");
    } finally {
      await server.stop();
    }
  },
});

Deno.test({
  name: "an edge on a full disk serves apps and refuses strangers as before",
  ignore,
  fn: async () => {
    await using disk = await SmallDisk.mount(1);
    await using feed = await Feed.start();
    const shop = app("shop");
    const port = freePort();
    const health = `http://127.0.0.1:${freePort()}`;
    const edge = partOn(disk, ["frontline"], {
      UNKEY_CONTROL_PLANE_URL: feed.url,
      UNKEY_CONTROL_PLANE_BEARER: "region_edge",
      UNKEY_REGION: "local",
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: String(port),
      UNKEY_HEALTH_PORT: new URL(health).port,
      UNKEY_FRONTLINE_STOP_DELAY_MS: "0",
      UNKEY_LOG_LEVEL: "debug",
    }, `${health}/health/ready`);
    const fed = feedShop(feed, shop.port);
    try {
      await edge.start();
      await fed;
      const statuses = async () => [
        (await askEdge(port, "http://shop.localhost/")).body,
        (await askEdge(port, "http://missing.localhost/")).status,
      ];
      assert.deepEqual(await statuses(), ["shop", 404]);
      await disk.fill();
      for (let round = 0; round < 20; round++) assert.deepEqual(await statuses(), ["shop", 404]);
      assert.ok(edge.running);
      await disk.free();
      assert.deepEqual(await statuses(), ["shop", 404]);
      await eventually("a line about the lost ones", async () => {
        await askEdge(port, "http://missing.localhost/");
        return (await Deno.readTextFile(`${disk.folder}/log`)).includes(`"event":"log lines lost"`);
      });
    } finally {
      await edge.kill("SIGTERM");
      await shop.stop();
    }
  },
});

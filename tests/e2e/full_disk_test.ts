/** The whole platform, and the engine's own disk, without a byte of room for a while. */
import assert from "node:assert/strict";
import { canStartEngine, PrivateEngine } from "../../pkg/testkit/private_engine.ts";
import { serves } from "../testbed/apps.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { canMount, SmallDisk } from "../testbed/small_disk.ts";
import { answersOk, eventually } from "../testbed/wait.ts";
import { provideBaseImage } from "./base_image.ts";

const CAN_MOUNT = await canMount();

/** An app that answers with `text`, in a folder of its own. */
async function write(platform: LocalPlatform, text: string): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: platform.directory, prefix: "app-" });
  await Deno.mkdir(`${folder}/www`);
  for (const [path, content] of Object.entries(serves(text))) {
    await Deno.writeTextFile(`${folder}/${path}`, content);
  }
  return folder;
}

Deno.test({
  name:
    "unkey up on a full disk serves its apps, refuses what it cannot store, and goes on when there is room",
  ignore: !CAN_MOUNT,
  fn: async () => {
    await using disk = await SmallDisk.mount(600);
    await using platform = await LocalPlatform.create();
    await Deno.symlink(disk.folder, `${platform.directory}/data`);
    platform.settings["UNKEY_UPLOAD_DISK_FREE_MIB"] = "64";
    await platform.start();
    const folder = await write(platform, "first");
    const { urls: [url = ""] } = await platform.deploy([folder]);
    await platform.answers(url, "first");

    await disk.fill();
    const ready = () => answersOk(`http://127.0.0.1:${platform.apiPort}/health/ready`);
    await eventually("the api to be not ready", async () => !await ready());
    const deploy = ["deploy", await write(platform, "second"), "--env", "production"];
    const refused = await platform.unkey(deploy);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /disk.*(full|MiB)/i);
    assert.doesNotMatch(refused.stderr, /ENOSPC|os error|SQLite/i);
    for (let n = 0; n < 20; n++) {
      assert.equal((await platform.get(url)).body.trim(), "first");
      assert.equal((await platform.get("http://unknown.localhost/")).status, 404);
    }
    assert.ok(platform.running);

    await disk.free();
    await eventually("the api to be ready", ready);
    const done = await platform.unkey(deploy);
    assert.equal(done.code, 0, done.stderr);
    await platform.answers(url, "second");
    const { stdout } = await platform.unkey(["list", "--json"]);
    assert.equal(stdout.match(/"status":\s*"ready"/g)?.length, 2, stdout);
    await platform.stop();
  },
});

Deno.test({
  name: "a Docker Engine without room says so in builds and starts, and takes them when there is some",
  ignore: !CAN_MOUNT || !await canStartEngine(),
  fn: async () => {
    await using engine = await PrivateEngine.open({ diskMib: 300 });
    await provideBaseImage(engine);
    await using platform = await LocalPlatform.create();
    Object.assign(platform.settings, {
      DOCKER_HOST: engine.host,
      UNKEY_BUILD_DISK_FREE_MIB: "20",
      UNKEY_DEPLOY_READY_SECONDS: "60",
    });
    await platform.start();
    const { id, urls: [url = ""] } = await platform.deploy([
      await write(platform, "first"),
    ]);
    await platform.answers(url, "first");

    const disk = SmallDisk.at(engine.dataFolder);
    await disk.fill();
    const deploy = ["deploy", await write(platform, "second"), "--env", "production"];
    const build = await platform.unkey(deploy);
    assert.notEqual(build.code, 0);
    assert.match(
      build.stderr,
      /builder's disk is nearly full: 0 MiB are free, and 5 MiB are needed.*operator/,
    );
    const start = await platform.unkey(["redeploy", id]);
    assert.notEqual(start.code, 0);
    assert.match(start.stderr, /The machine has no disk space left.*frees space/);
    assert.equal((await platform.get(url)).body.trim(), "first", "the app that runs goes on");

    await disk.free();
    const done = await platform.unkey(deploy);
    assert.equal(done.code, 0, done.stderr);
    await platform.answers(url, "second");
  },
});

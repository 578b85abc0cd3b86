import assert from "node:assert/strict";
import { inspectImage } from "../../pkg/docker/mod.ts";
import { BASE_IMAGE } from "../../pkg/testkit/base_image.ts";
import { apply, shell, Status, until } from "./testing.ts";
import { engineTest } from "./testing_bench.ts";

engineTest("an app that ends at once is a crash loop with exit code and last lines", async (bench) => {
  const name = bench.name();
  await bench.agent();
  await bench.plane.snapshot(0, 1, apply(name, 1, { command: shell("echo cannot read config; exit 42") }));
  const found = await until(
    "crash loop",
    () => bench.plane.instances(name).find((each) => each.reason === "crash_loop"),
  );
  assert.equal(found.status, Status.FAILED);
  assert.equal(found.exitCode, 42);
  assert.equal(found.address, "");
  assert.ok(found.restarts >= 1);
  assert.match(found.message, /ended \d+ times with exit code 42/);
  assert.equal(found.lastLogLines.at(-1), "cannot read config");
});

engineTest("an app that needs more memory than it has is reported as such", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const command = ["sh", "-c", "echo filling; head -c 200000000 /dev/zero | tail"];
  await bench.plane.snapshot(0, 1, apply(name, 1, { command, memoryMib: 16n }));
  const found = await until(
    "oom",
    () => bench.plane.instances(name).find((each) => each.reason === "oom_killed"),
  );
  assert.equal(found.status, Status.FAILED);
  assert.match(found.message, /16 MiB/);
});

engineTest("an app that never listens stays pending and the message names the port", async (bench) => {
  const name = bench.name();
  await bench.agent();
  const local = "nc -l -p 3000 -s 127.0.0.1 & while true; do sleep 1; done";
  await bench.plane.snapshot(0, 1, apply(name, 1, { command: shell(local) }));
  const found = await until(
    "not listening",
    () => bench.plane.instances(name).find((each) => each.reason === "not_listening"),
  );
  assert.equal(found.status, Status.PENDING);
  assert.equal(found.address, "");
  assert.match(found.message, /port 3000.*0\.0\.0\.0:3000/);
});

engineTest("a health check path must answer 2xx or 3xx", async (bench) => {
  const [bad, good] = [bench.name(), bench.name()];
  await bench.agent();
  await bench.plane.snapshot(
    0,
    2,
    apply(bad, 1, { healthCheckPath: "/missing" }),
    apply(good, 2, { healthCheckPath: "/index.html" }),
  );
  await bench.plane.settled(good, Status.RUNNING);
  const found = await until(
    "unhealthy",
    () => bench.plane.instances(bad).find((each) => each.reason === "not_listening"),
  );
  assert.match(found.message, /GET \/missing on port 3000.*404/);
});

engineTest(
  "an image that cannot be pulled is reported with the reason, and blocks no other",
  async (bench) => {
    const [missing, other] = [bench.name(), bench.name()];
    await bench.agent();
    const image = "registry.invalid/no/such:1";
    await bench.plane.snapshot(0, 2, apply(missing, 1, { image }), apply(other, 2));
    await bench.plane.settled(other, Status.RUNNING);
    const found = await until(
      "pull failure",
      () => bench.plane.instances(missing).find((each) => each.reason === "image_pull"),
    );
    assert.equal(found.status, Status.FAILED);
    assert.match(
      found.message,
      /registry\.invalid\/no\/such:1" could not be pulled: its registry cannot be reached/,
    );
  },
);

/** Ids, and their first letters, would open what others built. */
engineTest("an image is run by its name, never by its id", async (bench) => {
  const name = bench.name();
  const id = (await inspectImage(bench.engine, BASE_IMAGE, AbortSignal.timeout(30_000)))?.id ?? "";
  await bench.agent();
  const image = id.replace("sha256:", "").slice(0, 12);
  await bench.plane.snapshot(0, 1, apply(name, 1, { image }));
  const [found] = await bench.plane.settled(name, Status.FAILED);
  assert.equal(found?.reason, "image_pull");
});

engineTest("a command that does not exist fails at once, with what Docker says", async (bench) => {
  const name = bench.name();
  await bench.agent();
  await bench.plane.snapshot(0, 1, apply(name, 1, { command: ["/no-such-program"] }));
  const [found] = await bench.plane.settled(name, Status.FAILED);
  assert.equal(found?.reason, "crash_loop");
  assert.match(found?.message ?? "", /cannot be started: .*no-such-program/);
});

engineTest(
  "a container name that another program has is reported at once, and the app starts when it is free",
  async (bench) => {
    const name = bench.name();
    const holder = `unkey-${name}-0`;
    await docker("create", "--name", holder, BASE_IMAGE, "true");
    try {
      await bench.agent();
      await bench.plane.snapshot(0, 1, apply(name, 1));
      const found = await until(
        "the refusal",
        () => bench.plane.instances(name).find((each) => each.reason === "refused"),
      );
      assert.equal(found.status, Status.PENDING);
      assert.match(found.message, new RegExp(`"${holder}" belongs to somebody else.*operator removes`));
    } finally {
      await docker("rm", holder);
    }
    await bench.plane.settled(name, Status.RUNNING);
  },
);

/** An operator who cleans up must see what it costs. */
engineTest(
  "an image that is gone with its container is reported, and the app comes back with the image",
  async (bench) => {
    const name = bench.name();
    const image = `registry.invalid/${name}:1`;
    await docker("tag", BASE_IMAGE, image);
    try {
      await bench.agent();
      await bench.plane.snapshot(0, 1, apply(name, 1, { image }));
      await bench.plane.settled(name, Status.RUNNING);
      await docker("rmi", image);
      await docker("rm", "--force", `unkey-${name}-0`);
      const found = await until(
        "the missing image",
        () => bench.plane.instances(name).find((each) => each.reason === "image_pull"),
      );
      assert.match(found.message, /could not be pulled: its registry cannot be reached/);
      await docker("tag", BASE_IMAGE, image);
      await bench.plane.settled(name, Status.RUNNING);
    } finally {
      await docker("rmi", "--force", image);
    }
  },
);

async function docker(...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("docker", { args: [...args], stdout: "null" }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

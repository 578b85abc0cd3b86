import assert from "node:assert/strict";
import type { SetAppSettingsRequest } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { onlyJson, temporaryFolder } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments set takes days, hours and minutes, never, and the operator's value", async () => {
  const ends: string[] = [];
  await using api = await controlPlane([], ends);
  const set = async (value: string) =>
    (await api.run(["environments", "set", "qa", "--idle-end", value])).stdout;
  assert.equal(await set("7d"), "shop qa: deployments end after 7d without a request\n");
  assert.equal(await set("36h"), "shop qa: deployments end after 36h without a request\n");
  assert.equal(await set("never"), "shop qa: deployments never end for want of requests\n");
  assert.equal(await set("default"), "shop qa: deployments end after 7d without a request\n");
  assert.deepEqual(ends, ["qa 604800", "qa 129600", "qa 0", "qa undefined"]);
  assert.deepEqual(onlyJson(await api.run(["environments", "set", "qa", "--idle-end", "1d", "--json"])), {
    project: "shop",
    environment: "qa",
    idleEndSeconds: 86_400,
  });
});

Deno.test("environments set refuses what is no time", async () => {
  await using api = await controlPlane();
  for (const value of ["0d", "7", "1w", "-1h", "1.5d"]) {
    const { code, stderr } = await api.run(["environments", "set", "qa", "--idle-end", value]);
    assert.equal(code, 2, value);
    assert.match(stderr, /must be a time such as 7d, 12h or 30m, or never, or default/);
  }
});

Deno.test("environments set sends what is given, shows what holds then, and takes nothing from unkey.json", async () => {
  const seen: SetAppSettingsRequest[] = [];
  await using api = await controlPlane([], [], seen);
  await using folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/unkey.json`, '{"port": 9000, "memory": 64}');
  const options = { cwd: folder.path };
  const args = ["environments", "set", "qa", "--port", "3000", "--stop-signal", "quit", "--unset", "init"];
  const check = ["--health-check-path", "/up", "--health-check-interval", "1m30s"];
  const { code, stdout, stderr } = await api.run([...args, ...check], options);
  assert.equal(code, 0, stderr);
  const [request] = seen;
  assert.deepEqual([request?.settings?.port, request?.settings?.stopSignal, request?.reset], [
    3000,
    "SIGQUIT",
    ["init"],
  ]);
  assert.deepEqual(stdout.split("\n").map((line) => line.trim().split(/ {2,}/)).slice(1, -1), [
    ["port", "3000"],
    ["stopSignal", "SIGQUIT"],
    ["cpu", "0.5"],
    ["memory", "512 MiB"],
    ["healthCheck.path", "/up"],
    ["healthCheck.interval", "1m30s"],
  ]);
  assert.match(stderr, /unkey redeploy --env qa/);
  assert.deepEqual(onlyJson(await api.run(["environments", "set", "qa", "--json"], options)), {
    project: "shop",
    environment: "qa",
    port: 3000,
    healthCheck: { path: "/up", interval: "1m30s" },
    stopSignal: "SIGQUIT",
    memory: 512,
    cpu: 0.5,
  });
  assert.equal(seen.length, 1, "without a setting it only shows");
});

Deno.test("environments set names what it cannot read", async (t) => {
  await using api = await controlPlane();
  const cases: readonly [string, string, RegExp][] = [
    ["--port", "0", /must be a whole number between 1 and 65535/],
    ["--command", 'a "b', /must be a command line whose quotes have an end/],
    ["--health-check-path", "up", /must begin with \//],
    ["--health-check-type", "tcp", /must be one of port, http, image/],
    ["--health-check-expect", "2xx", /must be status codes/],
    ["--health-check-header", "a", /must be headers like/],
    ["--stop-timeout", "2h", /must be a duration like/],
    ["--stop-signal", "no signal", /must be the name of a signal/],
    ["--region", "EU 1", /must be names of regions/],
    ["--init", "maybe", /must be true or false/],
    ["--ephemeral-storage", "much", /must be MiB/],
  ];
  for (const [flag, value, message] of cases) {
    await t.step(flag, async () => {
      const { code, stderr } = await api.run(["environments", "set", "qa", flag, value]);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});

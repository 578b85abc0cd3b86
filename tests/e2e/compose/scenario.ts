// deno-lint-ignore-file no-console -- a program whose output is for the test that starts it
/**
 * `docs/operate/compose.md` from its first command to its last, and what happens in between to a machine. Each step prints
 * a line of JSON. Run it in a network namespace of its own: `unshare --net deno run -A tests/e2e/compose/scenario.ts`.
 */
import assert from "node:assert/strict";
import { eventually } from "../../../pkg/testkit/eventually.ts";
import { inspectAll, reached, secretsIn } from "./inspect.ts";
import { CommandPage } from "./page.ts";
import { Visits } from "./visits.ts";
import { ComposeWorld } from "./world.ts";

const PAGE = new URL("../../../docs/operate/compose.md", import.meta.url);
const URL_OF_APP = "http://hello-acme.localhost:7070";
const TEXT = "Hello from unkey!";
const NONROOT = ["ctrl-api", "ctrl-worker", "krane", "frontline", "krane-token", "edge-token", "mysql"];

const TARGETS = [
  { service: "mysql", port: 3306 },
  { service: "restate", port: 9070 },
  { service: "ctrl-worker", port: 9080 },
  { service: "registry", port: 5000 },
  { service: "s3", port: 7070 },
];
/** Ports of metrics. */
const SCRAPED = [{ service: "ctrl-api", port: 9100 }, { service: "ctrl-worker", port: 9100 }];

await using world = await ComposeWorld.create();
const page = new CommandPage(await Deno.readTextFile(PAGE));

async function step(name: string, work: () => Promise<string | void>): Promise<void> {
  const startedMs = performance.now();
  try {
    const note = await work() ?? "";
    console.log(JSON.stringify({ name, note, ms: Math.round(performance.now() - startedMs) }));
  } catch (error) {
    console.log(JSON.stringify({ name, error: `${Deno.inspect(error)}\n${await world.logs()}` }));
    throw error;
  }
}

/** All services are there and well, as Compose sees them. */
async function allHealthy(): Promise<boolean> {
  const { stdout } = await world.type("docker compose ps --format '{{.Service}} {{.Health}}'");
  const lines = stdout.trim().split("\n");
  return lines.length === 8 && lines.every((line) => line.endsWith(" healthy"));
}

await step(
  "without its secrets nothing starts, and the reason names the command that makes them",
  async () => {
    const { code, stderr } = await world.type(
      "docker compose --file dev/docker-compose.yaml up --detach --wait",
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /is missing a value: is not set: run dev\/compose-secrets first/);
    assert.equal(await world.docker.run(["ps", "--all", "--quiet"]), "");
  },
);

await step("the commands under Start lead to healthy services", async () => {
  await world.must(page.take("Start"));
  assert.ok(await allHealthy());
});

await step("the commands under Deploy lead to a URL that answers", async () => {
  await world.must(page.take("Deploy"));
  // The page's request may come before the edge has the route.
  await world.answers(URL_OF_APP, TEXT);
});

await step("existing secrets stay, and only their owner can read them", async () => {
  const sums = (): Promise<string> => world.must("cat dev/secrets/* dev/.env | sha256sum");
  const before = await sums();
  await world.must("dev/compose-secrets");
  assert.equal(await sums(), before);
  assert.equal(((await Deno.stat(`${world.checkout}/dev/secrets`)).mode ?? 0) & 0o777, 0o700);
});

await step("every container is restricted, and shows no secret of the platform", async () => {
  const secrets = await secretsIn(`${world.checkout}/dev/secrets`);
  for (const each of await inspectAll(world.docker)) {
    const { service, HostConfig: host, Config: config } = each;
    assert.ok(host.ReadonlyRootfs, `${service}: read-only`);
    assert.deepEqual([host.CapDrop, host.CapAdd, host.Privileged], [["ALL"], null, false], service);
    assert.ok(host.SecurityOpt?.includes("no-new-privileges:true"), service);
    assert.ok(host.Memory > 0 && host.NanoCpus > 0 && (host.PidsLimit ?? 0) > 0, `${service}: limits`);
    assert.equal(/^[1-9]/.test(config.User), NONROOT.includes(service), `${service}: user ${config.User}`);
    const bindings = Object.values(host.PortBindings ?? {}).flat();
    for (const { HostIp } of bindings) assert.equal(HostIp, "127.0.0.1", service);
    const shown = service === "s3" ? [] : secrets.filter((secret) => each.text.includes(secret));
    assert.deepEqual(shown, [], service);
  }
});

await step("an app reaches no service, whose ports are open for their own networks", async () => {
  assert.deepEqual(await reached(world.docker, "unkey-apps", TARGETS), []);
  const inside = await reached(world.docker, "unkey_published", TARGETS);
  assert.deepEqual(inside, ["ctrl-worker unkey_published", "registry unkey_published", "s3 unkey_published"]);
  const database = await reached(world.docker, "unkey_database", TARGETS);
  assert.deepEqual(database, ["ctrl-worker unkey_database", "mysql unkey_database"]);
  const workflows = await reached(world.docker, "unkey_workflows", TARGETS);
  assert.deepEqual(workflows, ["ctrl-worker unkey_workflows", "restate unkey_workflows"]);
});

await step("the command under Metrics reads the api, and no app does", async () => {
  assert.match(await world.must(page.take("Metrics")), /^unkey_ready\{part="api"\} 1$/m);
  assert.deepEqual(await reached(world.docker, "unkey-apps", SCRAPED), []);
  const near = await reached(world.docker, "unkey_metrics", [...TARGETS, ...SCRAPED]);
  // The worker takes connections of Restate at all its addresses, and refuses what Restate has not signed.
  assert.deepEqual(near, [
    "ctrl-api unkey_metrics",
    "ctrl-worker unkey_metrics",
    "ctrl-worker unkey_metrics",
  ]);
  const bindings = (await inspectAll(world.docker)).flatMap(({ HostConfig }) =>
    Object.keys(HostConfig.PortBindings ?? {})
  );
  assert.ok(!bindings.includes("9100/tcp"), "no port of metrics is published");
});

await step("a restart of any service leaves the app answering", async () => {
  const visits = new Visits(() => world.get(URL_OF_APP), TEXT);
  for (const service of ["mysql", "restate", "s3", "registry", "ctrl-api", "ctrl-worker", "krane"]) {
    await world.must(`docker compose restart ${service}`);
  }
  const { count, failures } = await visits.stop();
  assert.deepEqual(failures, []);
  await world.must("docker compose restart frontline");
  await world.answers(URL_OF_APP, TEXT);
  await eventually("all services to be healthy", allHealthy);
  return `${count} requests, 0 failed`;
});

await step("a deploy works after all that, and the registry's image is used again", async () => {
  await Deno.writeTextFile(`${world.checkout}/examples/hello/www/index.html`, "second\n");
  await world.must("unkey deploy examples/hello --yes");
  await world.answers(URL_OF_APP, "second");
  assert.match(await world.must("unkey deploy examples/hello --yes"), /image/);
});

await step("a reboot of the machine brings back all services and the app", async () => {
  await world.engine.stop();
  await world.engine.start();
  await world.answers(URL_OF_APP, "second");
  await eventually("all services to be healthy", allHealthy);
});

await step("the commands under Watch show the region", async () => {
  assert.match(await world.must(page.take("Watch")), /^local /m);
});

await step("a token that is revoked is made again, and its user takes the new one", async () => {
  const list = "docker compose exec -T ctrl-api unkey admin region-tokens list --json";
  const tokens = async (): Promise<readonly string[]> =>
    (await world.must(list)).match(/rt_[A-Za-z0-9]+/g) ?? [];
  const before = await tokens();
  assert.equal(before.length, 2, "each start makes no further one");
  await world.must(page.take("Change a secret"));
  const after = await tokens();
  assert.equal(after.length, 2);
  assert.equal(after.filter((each) => before.includes(each)).length, 1);
  await world.answers(URL_OF_APP, "second");
  await eventually("all services to be healthy", allHealthy);
});

await step("apps run on during a stop, and an upgrade after it keeps all data", async () => {
  const flags = ["--quiet", "--no-trunc", "--filter", "label=unkey.control-plane=unkey"];
  const apps = async (): Promise<readonly string[]> =>
    (await world.docker.run(["ps", ...flags])).trim().split("\n");
  const before = await apps();
  await world.must(page.take("Stop"));
  assert.deepEqual(await apps(), before);
  await world.must(page.take("Upgrade"));
  await world.answers(URL_OF_APP, "second");
  // A predecessor may have been stopped meanwhile, as after every deploy; no other container was made.
  assert.deepEqual((await apps()).filter((id) => !before.includes(id)), []);
  assert.match(await world.must("unkey list --project hello"), /ready/);
});

await step("the last commands remove all of it", async () => {
  await world.must(page.take("Stop"));
  assert.equal(await world.docker.run(["ps", "--all", "--quiet"]), "");
  assert.equal(await world.docker.run(["volume", "ls", "--quiet"]), "");
  const networks = await world.docker.run(["network", "ls", "--format", "{{.Name}}"]);
  assert.deepEqual(networks.trim().split("\n").toSorted(), ["bridge", "host", "none"]);
  assert.deepEqual(page.left, []);
});

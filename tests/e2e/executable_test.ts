/** The program as it is shipped: the bundle, and the executable where `dev/compile.ts` finds a runtime for it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request } from "node:http";
import { runtimeProblem } from "../../pkg/build/mod.ts";
import { serves } from "../testbed/apps.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { answers, docker, Testbed, writeApp } from "../testbed/testbed.ts";
import { eventually, freePort } from "../testbed/wait.ts";
import { TlsApi } from "../../pkg/kube/testing_tls_api.ts";
import { TestDaemon } from "../../pkg/testkit/daemon.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** One way to run the program. */
interface Shipped {
  readonly name: string;
  readonly program: readonly string[];
}

async function run(
  program: readonly string[],
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [command = "", ...first] = program;
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...first, ...args],
    // Neither the checkout nor its settings may be needed.
    cwd: "/",
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

const NEWEST = "bundle with the newest Deno";

/** Compiles once for all tests; an executable is copied to a folder where nothing else of the checkout is. */
async function ship(directory: string): Promise<Shipped[]> {
  const compiled = await run([Deno.execPath()], ["run", "-A", `${ROOT}dev/compile.ts`]);
  assert.equal(compiled.code, 0, compiled.stderr);
  const shipped: Shipped[] = [{
    name: "bundle",
    program: [Deno.execPath(), "run", "-A", "--quiet", `${ROOT}dist/bundle/main.js`],
  }];
  const newest = await run(["sh"], [`${ROOT}dev/parts/deno_newest.sh`]);
  if (newest.code === 0) {
    const program = [newest.stdout.trim(), "run", "-A", "--quiet", `${ROOT}dist/bundle/main.js`];
    shipped.push({ name: NEWEST, program });
  }
  if (await exists(`${ROOT}dist/unkey`)) {
    await Deno.copyFile(`${ROOT}dist/unkey`, `${directory}/unkey`);
    shipped.push({ name: "executable", program: [`${directory}/unkey`] });
  }
  return shipped;
}

const DOCKER = await new Deno.Command("docker", { args: ["version"], stdout: "null", stderr: "null" })
  .output()
  .then(({ success }) => success, () => false);

Deno.test("the shipped program", async (t) => {
  const directory = await Deno.makeTempDir({ prefix: "unkey-shipped-" });
  try {
    let former: Served | undefined;
    const shipped = await ship(directory);
    // A skipped step, which is a failure where all tests must run.
    for (const name of [NEWEST, "executable"]) {
      await t.step({
        name: `${name}: is there (or no runtime for it)`,
        ignore: !shipped.some((each) => each.name === name),
        fn: () => undefined,
      });
    }
    for (const { name, program } of shipped) {
      await t.step(`${name}: prints its version`, async () => {
        const { code, stdout, stderr } = await run(program, ["version"]);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^unkey \d+\.\d+\.\d+ /);
      });

      await t.step(`${name}: prints help for every command`, async () => {
        const { code, stdout } = await run(program, ["--help"]);
        assert.equal(code, 0);
        for (
          const command of ["deploy", "up", "ctrl", "krane", "frontline", "login", "status", "logs", "list"]
        ) {
          assert.match(stdout, new RegExp(`^ +${command}\\b`, "m"));
        }
        for (
          const path of [["deploy"], ["up"], ["ctrl", "api"], ["ctrl", "worker"], ["krane"], ["frontline"]]
        ) {
          const help = await run(program, [...path, "--help"]);
          assert.equal(help.code, 0, `${path.join(" ")}: ${help.stderr}`);
        }
      });

      await t.step(`${name}: names the nearest flag for an unknown one`, async () => {
        const { code, stderr } = await run(program, ["deploy", "--projct", "x"]);
        assert.equal(code, 2);
        assert.match(stderr, /--projct.*--project/s);
      });

      await t.step(`${name}: reports every configuration problem and exits 2`, async () => {
        const { code, stderr } = await run(program, ["ctrl", "api", "--http-port", "x"]);
        assert.equal(code, 2, stderr);
        assert.match(stderr, /--http-port \(UNKEY_HTTP_PORT\) must be a port/);
        assert.match(stderr, /UNKEY_DATABASE_PRIMARY is required/);
      });

      await t.step(`${name}: reads a kubeconfig and calls its cluster`, () => callsCluster(program));

      await t.step({
        name: `${name}: up, deploy, and a second start that still serves the app`,
        ignore: !DOCKER,
        fn: async () => {
          former = await upAndDeploy(program, former);
        },
      });

      await t.step({
        name: `${name}: api, worker, agent and edge as processes of their own`,
        ignore: !DOCKER,
        fn: () => deployToProcesses(program, former),
      });
    }
    if (former !== undefined) await docker(["rmi", "--force", former.image]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

/** The packages that read a kubeconfig are loaded lazily, which a bundle may break. */
async function callsCluster(program: readonly string[]): Promise<void> {
  await using api = await TlsApi.open();
  const [command = "", ...first] = program;
  const agent = await TestDaemon.start({
    command,
    args: [...first, "krane", "--runtime", "kubernetes", "--region", "test"],
    cwd: "/",
    env: {
      KUBECONFIG: await api.kubeconfig({ token: "of-the-kubeconfig" }),
      UNKEY_CONTROL_PLANE_URL: "http://127.0.0.1:9",
      UNKEY_CONTROL_PLANE_BEARER: "region_token",
      UNKEY_KRANE_STATE_DIR: `${api.folder}/state`,
      UNKEY_HTTP_HOST: "127.0.0.1",
      UNKEY_HTTP_PORT: "0",
    },
    logFile: `${api.folder}/krane.log`,
  }, () => Promise.resolve(api.seen.length > 0));
  await agent.end("SIGKILL", 0);
  assert.equal(api.seen.at(-1)?.authorization, "Bearer of-the-kubeconfig");
}

/** True when the runtime of a program serves builders: an executable from a closed network may have an older one. */
async function canBuild(program: readonly string[]): Promise<boolean> {
  const { stdout } = await run(program, ["version", "--json"]);
  return runtimeProblem(JSON.parse(stdout).deno) === undefined;
}

/** An app that was built and served. */
interface Served {
  readonly image: string;
  /** SHA-256 of its large file. */
  readonly digest: string;
}

/** Deploys a folder; a program that cannot build says so, and deploys the image of an earlier one. */
async function upAndDeploy(program: readonly string[], former: Served | undefined): Promise<Served> {
  await using platform = await LocalPlatform.create(program);
  const metricsPort = freePort();
  platform.settings["UNKEY_UP_PROMETHEUS_PORT"] = String(metricsPort);
  await platform.start();
  const app = `${platform.directory}/app`;
  for (const [path, text] of Object.entries(serves("served by what is shipped"))) {
    await Deno.mkdir(`${app}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${app}/${path}`, text);
  }
  const large = new Uint8Array(LARGE_BYTES);
  for (let at = 0; at < large.length; at += RANDOM_BYTES) {
    crypto.getRandomValues(large.subarray(at, at + RANDOM_BYTES));
  }
  await Deno.writeFile(`${app}/www/large`, large);
  const given = await canBuild(program) ? undefined : former;
  if (given !== undefined) {
    const refused = await platform.unkey(["deploy", app, "--env", "production"]);
    assert.match(refused.stderr, /cannot serve files to a builder: Deno 2\.9 is needed/);
  }
  const { urls: [url = ""] } = await platform.deploy(given === undefined ? [app] : ["--image", given.image]);
  await platform.answers(url, "served by what is shipped");
  await hasMetricsOfAllParts(metricsPort, platform);
  const digest = given?.digest ?? createHash("sha256").update(large).digest("hex");
  for (let times = 0; times < 3; times++) {
    assert.equal(
      await digestOf(platform.edgePort, `${url}/large`),
      digest,
      "not a byte is changed on the way",
    );
  }

  const image = given?.image ?? await platform.prebuilt();
  await platform.stop();
  assert.deepEqual(await platform.containers(), [], "Ctrl-C leaves no app behind");
  await platform.start();
  await platform.answers(url, "served by what is shipped");
  return { image, digest };
}

/** One port has the numbers of all parts; the ports of users and apps have none. */
async function hasMetricsOfAllParts(port: number, platform: LocalPlatform): Promise<void> {
  const scrape = async (): Promise<string> => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  // A workflow ends a little after its deployment is ready.
  const ended = /^unkey_deploys_total\{status="ready",part="worker"\} 1$/m;
  await eventually("the end of the deploy to be counted", async () => ended.test(await scrape()));
  const text = await scrape();
  const parts = new Set(Array.from(text.matchAll(/part="(\w+)"/g), ([, part]) => part));
  assert.deepEqual([...parts].toSorted(), ["api", "frontline", "krane", "process", "worker"]);
  assert.match(text, /^unkey_frontline_responses_total\{status="200",part="frontline"\} [1-9]/m);
  assert.match(text, /^unkey_instances\{status="running",part="krane"\} [1-9]/m);
  assert.match(text, /^unkey_event_loop_lag_seconds_count\{part="process"\} [1-9]/m);
  for (const other of [platform.apiPort, platform.edgePort]) {
    const answer = await fetch(`http://127.0.0.1:${other}/metrics`);
    assert.doesNotMatch(await answer.text(), /unkey_/);
  }
}

const LARGE_BYTES = 48 * 1024 * 1024;
/** The most that `getRandomValues` gives at once. */
const RANDOM_BYTES = 64 * 1024;

/** The SHA-256 of what the edge answers, read a little slower than it could come, so that every part must wait. */
function digestOf(port: number, url: string): Promise<string> {
  const { host, pathname } = new URL(url);
  const hash = createHash("sha256");
  return new Promise((resolve, reject) => {
    const req = request(
      { host: "127.0.0.1", port, path: pathname, headers: { host }, agent: false },
      (res) => {
        res.on("data", (chunk: Uint8Array) => {
          hash.update(chunk);
          res.pause();
          setTimeout(() => res.resume(), 0);
        });
        res.on("error", reject);
        res.on("end", () => resolve(hash.digest("hex")));
      },
    );
    req.on("error", reject);
    req.end();
  });
}

async function deployToProcesses(program: readonly string[], former: Served | undefined): Promise<void> {
  await using bed = await Testbed.start({ program });
  const { slug } = await bed.project("shipped");
  const given = await canBuild(program) ? undefined : former;
  const source = given === undefined
    ? [await writeApp(bed, serves("served by what is shipped"))]
    : ["--image", given.image];
  const result = await bed.unkey(["deploy", ...source, "--project", slug, "--env", "production", "--json"]);
  assert.equal(result.code, 0, result.stderr);
  const { urls: [url = ""] } = JSON.parse(result.stdout);
  await answers(bed, url, "served by what is shipped");
}

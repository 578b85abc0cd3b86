/** Which folder, Dockerfile and unkey.json a deploy takes, from where it runs in a repository. */
import assert from "node:assert/strict";
import { deploy, type Deployed, startParts } from "../shared/deploying/testing.ts";

const ROOT_DOCKERFILE = "FROM busybox\nCOPY root /\n";
const API_DOCKERFILE = "FROM busybox\nCOPY apps/api /\n";

interface Sent {
  readonly deployed: Deployed;
  readonly environment: string | undefined;
  /** Where the Dockerfile is, and its content. */
  readonly path: string | undefined;
  readonly dockerfile: string;
}

async function run(
  files: Readonly<Record<string, string>>,
  { cwd, args = [], env = {}, stdin = "" }: {
    readonly stdin?: string;
    readonly cwd: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Sent> {
  await using parts = await startParts({});
  const all = { ".git/HEAD": "", "apps/api/main.ts": "", "shared/s": "", ...files };
  const deployed = await deploy({ url: parts.plane.url, files: all, cwd, args, env, stdin });
  const [request] = parts.seen.creates;
  const source = request?.source.case === "buildContext" ? request.source.value : undefined;
  return {
    deployed,
    environment: request?.environmentSlug,
    path: source?.dockerfilePath,
    dockerfile: new TextDecoder().decode(source?.dockerfile),
  };
}

const packed = ({ stderr }: Deployed): number => Number(/packed (\d+) files?/.exec(stderr)?.[1]);

Deno.test("deploy from an app's folder with the context above takes unkey.json and Dockerfile of the app", async () => {
  const sent = await run({
    "Dockerfile": ROOT_DOCKERFILE,
    "apps/api/Dockerfile": API_DOCKERFILE,
    "apps/api/unkey.json": '{"environment": "production"}',
  }, { cwd: "apps/api", args: ["../.."] });
  assert.equal(sent.deployed.code, 0, sent.deployed.stderr);
  assert.deepEqual([sent.environment, sent.path, sent.dockerfile], [
    "production",
    "apps/api/Dockerfile",
    API_DOCKERFILE,
  ]);
  assert.match(
    sent.deployed.stderr,
    / {3}settings of unkey\.json, folder \.\.\/\.\., Dockerfile Dockerfile\n/,
  );
});

Deno.test("deploy takes context and Dockerfile of unkey.json relative to that file, also from a folder below", async () => {
  const files = {
    "Dockerfile": ROOT_DOCKERFILE,
    "infra/api.Dockerfile": API_DOCKERFILE,
    "infra/api.Dockerfile.dockerignore": "*\n!apps/api/main.ts\n",
    "apps/api/src/x": "",
    "apps/api/unkey.json": '{"context": "../..", "dockerfile": "../../infra/api.Dockerfile"}',
  };
  for (const cwd of ["apps/api", "apps/api/src"]) {
    const { deployed, path, dockerfile } = await run(files, { cwd });
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.deepEqual([path, dockerfile], ["infra/api.Dockerfile", API_DOCKERFILE]);
    assert.equal(packed(deployed), 1, "the ignore file beside the Dockerfile holds");
  }
});

Deno.test("deploy takes the Dockerfile of unkey.json in the context when none is beside the file", async () => {
  const { path } = await run({
    "apps/api/Dockerfile": API_DOCKERFILE,
    "apps/api/unkey.json": '{"dockerfile": "apps/api/Dockerfile"}',
  }, { cwd: "apps/api", args: ["../.."] });
  assert.equal(path, "apps/api/Dockerfile");
});

Deno.test("deploy --dockerfile is relative to the current folder, as docker build -f is", async () => {
  const files = { "Dockerfile": ROOT_DOCKERFILE, "apps/api/Dockerfile": API_DOCKERFILE };
  const flags = ["--dockerfile", "./Dockerfile"];
  const below = await run(files, { cwd: "apps/api", args: ["../..", ...flags] });
  assert.deepEqual([below.path, below.dockerfile], ["apps/api/Dockerfile", API_DOCKERFILE]);
  const above = await run(files, { cwd: ".", args: ["apps/api", ...flags] });
  assert.equal(above.dockerfile, ROOT_DOCKERFILE);
  const variable = await run(files, {
    cwd: "apps/api",
    args: ["../.."],
    env: { UNKEY_DOCKERFILE: "Dockerfile" },
  });
  assert.equal(variable.dockerfile, API_DOCKERFILE);
});

Deno.test("deploy takes a Dockerfile and its ignore file that are outside of the context", async () => {
  const { deployed, path, dockerfile } = await run({
    "infra/api.Dockerfile": API_DOCKERFILE,
    "infra/api.Dockerfile.dockerignore": "ignored\n",
    "apps/api/.dockerignore": "main.ts\n",
    "apps/api/ignored": "",
  }, { cwd: ".", args: ["apps/api", "--dockerfile", "infra/api.Dockerfile"] });
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.deepEqual([path, dockerfile], ["infra/api.Dockerfile", API_DOCKERFILE]);
  assert.equal(packed(deployed), 2, "main.ts and .dockerignore");
});

Deno.test("deploy of a folder below takes its unkey.json, and without one that of the repository", async () => {
  const files = { "apps/api/Dockerfile": API_DOCKERFILE, "unkey.json": '{"environment": "production"}' };
  const shared = await run(files, { cwd: ".", args: ["apps/api"] });
  assert.deepEqual([shared.environment, shared.dockerfile], ["production", API_DOCKERFILE]);
  const own = await run({ ...files, "apps/api/unkey.json": '{"environment": "preview"}' }, {
    cwd: "shared",
    args: ["../apps/api"],
  });
  assert.deepEqual([own.environment, own.dockerfile], ["preview", API_DOCKERFILE]);
  assert.match(own.deployed.stderr, /settings of \.\.\/apps\/api\/unkey\.json, folder \.\.\/apps\/api\n/);
});

Deno.test("deploy names the Dockerfile that was meant, and refuses two folders", async () => {
  const files = { "apps/api/prod.Dockerfile": API_DOCKERFILE, "apps/api/Dockerfile": API_DOCKERFILE };
  const { deployed } = await run(files, { cwd: ".", args: ["apps/api", "--dockerfile", "prod.Dockerfile"] });
  assert.equal(deployed.code, 10);
  assert.match(
    deployed.stderr,
    /no "prod\.Dockerfile" in .*Did you mean --dockerfile apps\/api\/prod\.Dockerfile/,
  );
  const twice = await run(files, { cwd: ".", args: ["apps/api", "--context", "shared"] });
  assert.equal(twice.deployed.code, 2);
  assert.match(twice.deployed.stderr, /named twice/);
});

Deno.test("deploy --dockerfile - reads the Dockerfile from standard input, as docker build does", async () => {
  const files = { "apps/api/Dockerfile": API_DOCKERFILE, "apps/api/.dockerignore": "main.ts\n" };
  const call = { cwd: "apps/api", args: ["--dockerfile", "-"] };
  const { deployed, dockerfile } = await run(files, { ...call, stdin: ROOT_DOCKERFILE });
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.equal(dockerfile, ROOT_DOCKERFILE);
  assert.match(deployed.stderr, /Dockerfile of standard input/);
  assert.equal(packed(deployed), 2, "the ignore file of the context holds");
  for (
    const [stdin, says] of [["\n", /is empty/], ["#".repeat(512 * 1024 + 1), /larger than 512 KiB/]] as const
  ) {
    const refused = await run(files, { ...call, stdin });
    assert.equal(refused.deployed.code, 10);
    assert.match(refused.deployed.stderr, says);
  }
});

Deno.test("deploy below the unkey.json of another app says that this folder's Dockerfile is not used", async () => {
  const files = { "Dockerfile": ROOT_DOCKERFILE, "unkey.json": "{}", "apps/api/Dockerfile": API_DOCKERFILE };
  const note =
    /note the Dockerfile of this folder is not used, since \.\.\/\.\.\/unkey\.json holds here: "unkey deploy \."/;
  const above = await run(files, { cwd: "apps/api" });
  assert.equal(above.dockerfile, ROOT_DOCKERFILE);
  assert.match(above.deployed.stderr, note);
  const quiet: readonly (readonly [cwd: string, args: readonly string[], dockerfile: string])[] = [
    ["apps/api", ["."], API_DOCKERFILE],
    ["apps/api", ["../.."], API_DOCKERFILE],
    ["shared", [], ROOT_DOCKERFILE],
    [".", ["apps/api"], API_DOCKERFILE],
  ];
  for (const [cwd, args, dockerfile] of quiet) {
    const sent = await run(files, { cwd, args });
    assert.equal(sent.dockerfile, dockerfile, cwd);
    assert.doesNotMatch(sent.deployed.stderr, /is not used/, `${cwd} ${args}`);
  }
});

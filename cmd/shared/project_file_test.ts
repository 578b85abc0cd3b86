import assert from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../pkg/cli/mod.ts";
import type { CreateDeploymentRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, SHOP, startControlPlane, unkey } from "./testing.ts";
import { parseProjectFile } from "./project_file.ts";

function problems(value: unknown): readonly string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  try {
    parseProjectFile("unkey.json", text);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message.split("\n");
  }
  return [];
}

Deno.test("unkey.json is checked as a whole, and an unknown key names the nearest one", () => {
  const good = { project: "shop", environment: "qa", dockerfile: "d", port: 1, healthCheckPath: "/up" };
  assert.deepEqual(problems(good), []);
  assert.deepEqual(problems({}), []);
  assert.deepEqual(
    problems({ projct: "shop", colour: 1, port: 70_000, healthCheckPath: "up", project: "" }),
    [
      "unkey.json has 5 problems:",
      '  "project" must be the slug or id of a project',
      '  "port" must be a whole number between 1 and 65535',
      '  "healthCheckPath" must be a path that begins with "/"',
      '  "projct" is not known: did you mean "project"?',
      '  "colour" is not known. What there is: project, environment, dockerfile, port, healthCheckPath, build',
    ],
  );
  assert.deepEqual(problems({ port: "8080" }), [
    "unkey.json has a problem:",
    '  "port" must be a whole number between 1 and 65535',
  ]);
  const build = {
    args: { A: "1", B: 2, C: true },
    secrets: { "npm.token": { env: "NPM_TOKEN" }, b: { file: "x" } },
    target: "prod",
    noCache: false,
    pull: true,
    platform: "linux/arm/v7",
    variables: ["NEXT_PUBLIC_X"],
  };
  assert.deepEqual(problems({ build }), []);
  assert.deepEqual(problems({ build: {} }), []);
  assert.deepEqual(problems({ build: [] }), [
    "unkey.json has a problem:",
    '  "build" must be a JSON object',
  ]);
  const wrong = {
    args: { A: {} },
    secrets: { a: { env: "A", file: "b" }, b: "hunter2", c: { file: "" } },
    target: "a b",
    noCache: "yes",
    platform: "amd64",
    variables: ["A-B"],
    argz: {},
  };
  assert.deepEqual(problems({ build: wrong }), [
    "unkey.json has 9 problems:",
    '  "build.args.A" must be text',
    '  "build.secrets.a" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  "build.secrets.b" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  "build.secrets.c.file" must be {"env": "VARIABLE"} or {"file": "path"}',
    '  "build.target" must be the name of a stage',
    '  "build.noCache" must be true or false',
    '  "build.platform" must be like "linux/amd64" or "linux/arm/v7"',
    '  "build.variables.0" must be a name of letters, digits and underscores',
    '  "build.argz" is not known: did you mean "build.args"?',
  ]);
  assert.deepEqual(problems({ build: { args: { "A-B": "" }, secrets: { "a/b": { env: "A" } } } }), [
    "unkey.json has 2 problems:",
    '  "build.args.A-B" must be a name of letters, digits and underscores',
    '  "build.secrets.a/b" must be an id of letters, digits, dots, hyphens and underscores',
  ]);
  assert.deepEqual(problems("[]"), ["unkey.json has a problem:", "  it must be a JSON object"]);
  assert.match(problems("{")[0] ?? "", /^unkey\.json is not JSON: .*Correct it, or remove it\.$/);
});

Deno.test("a deploy takes flags before variables, variables before the file, the file before defaults", async () => {
  const creates: CreateDeploymentRequest[] = [];
  await using api = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP, { ...SHOP, id: "proj_blog", slug: "blog" }] }) },
    deployment: {
      createDeployment(request) {
        creates.push(request);
        return { deploymentId: "d_1" };
      },
    },
  });
  const cwd = await Deno.makeTempDir({ prefix: "unkey-test-file-" });
  try {
    const write = (value: unknown) => Deno.writeTextFile(join(cwd, "unkey.json"), JSON.stringify(value));
    await write({ project: "blog", environment: "qa", port: 3000, healthCheckPath: "/up" });
    const deploy = async (args: readonly string[] = [], env = {}) => {
      const flags = ["deploy", "--image", "nginx", "--detach", ...args];
      const { code, stderr } = await unkey(flags, { cwd, env: { ...access(api.url), ...env } });
      assert.equal(code, 0, stderr);
      const { projectId, environmentSlug, port, healthCheckPath } = creates.at(-1) ?? {};
      return [projectId, environmentSlug, port, healthCheckPath];
    };
    assert.deepEqual(await deploy(), ["proj_blog", "qa", 3000, "/up"]);
    const variables = { UNKEY_PROJECT: "shop", UNKEY_APP_PORT: "4000" };
    assert.deepEqual(await deploy([], variables), ["proj_shop", "qa", 4000, "/up"]);
    assert.deepEqual(await deploy(["--port", "5000"], variables), ["proj_shop", "qa", 5000, "/up"]);
    await write({ project: "blog" });
    assert.deepEqual(await deploy(), ["proj_blog", "preview", 8080, ""]);
    await write({ prot: 1 });
    const { code, stderr } = await unkey(["deploy"], { cwd, env: access(api.url) });
    assert.equal(code, 2);
    assert.match(stderr, /unkey\.json has a problem:\n {2}"prot" is not known: did you mean "port"\?/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { CreateDeploymentRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, SHOP, startControlPlane, temporaryFolder, unkey } from "./testing.ts";
import { findProjectFile } from "./project_file.ts";

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
      const { projectId, environmentSlug, app } = creates.at(-1) ?? {};
      return [projectId, environmentSlug, app?.port, app?.healthCheck?.path];
    };
    assert.deepEqual(await deploy(), ["proj_blog", "qa", 3000, "/up"]);
    const variables = { UNKEY_PROJECT: "shop", UNKEY_APP_PORT: "4000" };
    assert.deepEqual(await deploy([], variables), ["proj_shop", "qa", 4000, "/up"]);
    assert.deepEqual(await deploy(["--port", "5000"], variables), ["proj_shop", "qa", 5000, "/up"]);
    await write({ project: "blog" });
    assert.deepEqual(await deploy(), ["proj_blog", "preview", undefined, undefined]);
    const check = { path: "/up", headers: { "X-A": "1" }, expect: 204, interval: "10s" };
    await write({
      command: ["serve", "a b"],
      healthCheck: check,
      regions: ["eu-1"],
      init: true,
      stopTimeout: "30s",
    });
    await deploy(["--project", "blog"]);
    const { app } = creates.at(-1) ?? {};
    assert.deepEqual([app?.command, app?.regions, app?.init, app?.stopSeconds], [
      ["serve", "a b"],
      ["eu-1"],
      true,
      30,
    ]);
    const { path, headers, expectedStatus, intervalSeconds } = app?.healthCheck ?? {};
    assert.deepEqual([path, headers, expectedStatus, intervalSeconds], ["/up", { "x-a": "1" }, "204", 10]);
    await write({ healthCheck: { pth: "/up" } });
    assert.match(
      (await unkey(["deploy"], { cwd, env: access(api.url) })).stderr,
      /did you mean "healthCheck\.path"\?/,
    );
    await write({ prot: 1 });
    const { code, stderr } = await unkey(["deploy"], { cwd, env: access(api.url) });
    assert.equal(code, 2);
    assert.match(stderr, /unkey\.json has a problem:\n {2}1:2 "prot" is not known: did you mean "port"\?/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("unkey.json is that of the folder, or the nearest above it up to the root of the repository", async (t) => {
  await using base = await temporaryFolder();
  const write = async (path: string, text: string): Promise<void> => {
    await Deno.mkdir(dirname(join(base.path, path)), { recursive: true });
    await Deno.writeTextFile(join(base.path, path), text);
  };
  await write("unkey.json", '{"project": "outside"}');
  await write("repo/.git/HEAD", "");
  await write("repo/unkey.json", '{\n"project": "root", "context": "x", "dockerfile": "d/D"}');
  await write("repo/apps/api/unkey.json", '{"project": "api"}');
  await write("repo/apps/api/src/main.ts", "");
  await write("repo/module/.git", "gitdir: elsewhere");
  await write("loose/sub/a", "");
  await write("loose/unkey.json", '{"project": "loose"}');
  const cases: readonly (readonly [folder: string, project: string | undefined])[] = [
    ["repo/apps/api", "api"],
    ["repo/apps/api/src", "api"],
    ["repo/apps", "root"],
    ["repo/apps/none", "root"],
    ["repo", "root"],
    ["repo/module", undefined],
    ["loose", "loose"],
    ["loose/sub", undefined],
  ];
  for (const [folder, project] of cases) {
    await t.step(folder, async () => {
      assert.equal((await findProjectFile(join(base.path, folder)))?.value("project"), project);
    });
  }
  await t.step("its paths are relative to it", async () => {
    const file = await findProjectFile(join(base.path, "repo/apps"));
    const [context, dockerfile] = ["context", "dockerfile"].map((key) => file?.value(key));
    assert.deepEqual([context, dockerfile], [join(base.path, "repo/x"), join(base.path, "repo/d/D")]);
    assert.deepEqual([file?.path, file?.lineOf("project")], [join(base.path, "repo/unkey.json"), 2]);
  });
  await t.step("a command says when it is one above", async () => {
    const env = access("http://127.0.0.1:1");
    const run = async (folder: string): Promise<string> =>
      (await unkey(["variables", "list"], { cwd: join(base.path, folder), env })).stderr;
    assert.match(await run("repo/apps/api/src"), /^ {3}settings of \.\.\/unkey\.json\n/);
    assert.doesNotMatch(await run("repo/apps/api"), /settings of/);
  });
});

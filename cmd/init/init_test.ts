import assert from "node:assert/strict";
import { join } from "node:path";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

function controlPlane(created: string[] = []) {
  return startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      createProject({ slug }) {
        created.push(slug);
        return { project: { id: "proj_new", slug } };
      },
    },
  });
}

async function withFolder(name: string, test: (folder: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "unkey-test-init-" });
  try {
    await Deno.mkdir(join(root, name));
    await test(join(root, name));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const read = async (folder: string): Promise<unknown> =>
  JSON.parse(await Deno.readTextFile(join(folder, "unkey.json")));

Deno.test("init writes the given settings only, and replaces a file only with --force", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  await withFolder("shop", async (cwd) => {
    const { code, stderr } = await unkey(["init"], { cwd, env });
    assert.equal(code, 0, stderr);
    assert.deepEqual(await read(cwd), { project: "shop" });
    const again = await unkey(["init", "--port", "3000"], { cwd, env });
    assert.equal(again.code, 1);
    assert.match(again.stderr, /unkey\.json is there already: edit it, or replace it with --force/);
    const flags = ["--env", "qa", "--dockerfile", "d", "--port", "3000", "--health-check-path", "/up"];
    const forced = await unkey(["init", cwd, "--force", "--json", ...flags], { env });
    const settings = {
      project: "shop",
      environment: "qa",
      dockerfile: "d",
      port: 3000,
      healthCheckPath: "/up",
    };
    assert.deepEqual(onlyJson(forced), { path: join(cwd, "unkey.json"), settings, projectCreated: false });
    assert.deepEqual(await read(cwd), settings);
  });
});

Deno.test("init creates the project with --create, and lists the projects without it", async () => {
  const created: string[] = [];
  await using api = await controlPlane(created);
  const env = access(api.url);
  await withFolder("My App_2", async (cwd) => {
    const refused = await unkey(["init"], { cwd, env });
    assert.equal(refused.code, 2, "there is no terminal to ask on");
    assert.match(refused.stderr, /no project "my-app-2".*--create makes it.*Yours: shop/);
    const prompts = {
      confirm: () => Promise.resolve(false),
      select: () => Promise.resolve(undefined),
      password: () => Promise.resolve(undefined),
    };
    const declined = await unkey(["init"], { cwd, env, prompts });
    assert.deepEqual([declined.code, declined.stderr, created], [1, refused.stderr, []]);
    const done = await unkey(["init", "--create"], { cwd, env });
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /created the project my-app-2/);
    assert.deepEqual([created, await read(cwd)], [["my-app-2"], { project: "my-app-2" }]);
  });
});

Deno.test("init --yes creates the project as --create does", async () => {
  const created: string[] = [];
  await using api = await controlPlane(created);
  await withFolder("my-app", async (cwd) => {
    const { code, stderr } = await unkey(["init", "--yes"], { cwd, env: access(api.url) });
    assert.deepEqual([code, created], [0, ["my-app"]], stderr);
  });
});

Deno.test("init works without a login, and says that the project was not checked", async () => {
  await withFolder("shop", async (cwd) => {
    const { code, stderr } = await unkey(["init"], { cwd });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /not logged in/);
    assert.deepEqual(await read(cwd), { project: "shop" });
  });
});

Deno.test("init names all wrong settings at once", async () => {
  const { code, stderr } = await unkey(["init", "--port", "x", "--health-check-path", "up"]);
  assert.equal(code, 2);
  assert.match(stderr, /--port .* between 1 and 65535\n.*--health-check-path .* begins with "\/"/);
});

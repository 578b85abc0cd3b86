import assert from "node:assert/strict";
import { dispatch } from "../../pkg/cli/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";
import { ROOT } from "../root.ts";
import { access, NOW, onlyJson, SHOP, startControlPlane, temporaryFolder, unkey } from "../shared/testing.ts";

const LINK = "http://dashboard.localhost:7091/login#login_secret";

function controlPlane() {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    session: { createLoginLink: () => ({ url: LINK, expiresAt: BigInt(NOW + 300_000) }) },
  });
}

Deno.test("dashboard prints the link where no browser would be seen", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  const piped = await unkey(["dashboard"], { env });
  assert.deepEqual([piped.code, piped.stdout], [0, `${LINK}\n`]);
  assert.match(piped.stderr, /not opened: standard output is not a terminal/);
  assert.equal((await unkey(["dashboard", "--print"], { env })).stdout, `${LINK}\n`);
  assert.deepEqual(onlyJson(await unkey(["dashboard", "--json"], { env })), {
    url: LINK,
    expiresAt: NOW + 300_000,
  });
});

/** The message may be on a screen that is shared. */
Deno.test("dashboard opens the link, and shows it without its code", async () => {
  await using api = await controlPlane();
  await using folder = await temporaryFolder();
  const [program, log] = [`${folder.path}/browser`, `${folder.path}/log`];
  await Deno.writeTextFile(program, `#!/bin/sh\necho "$@" >"${log}"\n`, { mode: 0o755 });
  await using process = await testProcess({
    args: ["dashboard"],
    env: { ...access(api.url), BROWSER: program },
    terminal: { stdout: true, stderr: true },
  });
  assert.equal(await dispatch(ROOT, process), 0);
  const { stdout, stderr } = process.printed;
  assert.deepEqual([stdout, stderr], ["", "opening http://dashboard.localhost:7091/login\n"]);
  assert.equal(await Deno.readTextFile(log), `${LINK}\n`);
});

Deno.test("dashboard leads to a page, which is in the fragment beside the code", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  const pages: readonly (readonly [string[], string])[] = [
    [["d_1"], "/deployments/d_1"],
    [["logs"], "/logs"],
    [["environment"], `/environments/${SHOP.id}/preview`],
    [["metrics", "--project", "shop", "--env", "production"], `/environments/${SHOP.id}/production/metrics`],
  ];
  for (const [words, path] of pages) {
    const { stdout } = await unkey(["dashboard", ...words, "--print"], { env });
    assert.equal(stdout, `${LINK}&to=${encodeURIComponent(path)}\n`);
  }
  const { code, stderr } = await unkey(["dashboard", "shop", "--print"], { env });
  assert.notEqual(code, 0);
  assert.match(stderr, /There is no page "shop"\. There are: overview, deployments, logs, /);
});

import assert from "node:assert/strict";
import { join } from "node:path";
import { dispatch } from "../../pkg/cli/mod.ts";
import { testProcess } from "../../pkg/testkit/process.ts";
import { ROOT } from "../root.ts";
import {
  access,
  deploymentOf,
  onlyJson,
  SHOP,
  startControlPlane,
  temporaryFolder,
  unkey,
} from "../shared/testing.ts";

const APP_URL = "http://shop-acme.localhost:7070";

function controlPlane({ live = "d_1", urls = [APP_URL, "http://other.test"] } = {}) {
  return startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listEnvironments: () => ({
        environments: [{ slug: "preview", liveDeploymentId: live }, { slug: "production" }],
      }),
    },
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId, urls }) }),
    },
  });
}

/** On a terminal, with these variables. */
async function onTerminal(args: readonly string[], env: Readonly<Record<string, string>>) {
  await using api = await controlPlane();
  await using process = await testProcess({
    args: ["open", ...args],
    env: { ...access(api.url), ...env },
    terminal: { stdout: true, stderr: true },
  });
  const code = await dispatch(ROOT, process);
  return { code, ...process.printed };
}

async function withBrowser(
  exitCode: number,
  test: (program: string, log: string) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  const [program, log] = [join(folder.path, "browser"), join(folder.path, "log")];
  await Deno.writeTextFile(program, `#!/bin/sh\necho "$@" >"${log}"\nexit ${exitCode}\n`, { mode: 0o755 });
  await test(program, log);
}

Deno.test("open opens the URL of the live deployment", async () => {
  await withBrowser(0, async (program, log) => {
    for (const given of [{ BROWSER: program }, { BROWSER: "/none", args: ["--browser", program] }]) {
      const { args = [], ...env } = given;
      const { code, stdout, stderr } = await onTerminal(args, env);
      assert.deepEqual([code, stdout, stderr], [0, "", `opening ${APP_URL}\n`]);
      assert.equal(await Deno.readTextFile(log), `${APP_URL}\n`);
      await Deno.remove(log);
    }
  });
});

Deno.test("open prints the URL and fails when it cannot be opened", async () => {
  await withBrowser(3, async (program) => {
    const { code, stdout, stderr } = await onTerminal([], { BROWSER: program });
    assert.deepEqual([code, stdout], [1, `${APP_URL}\n`]);
    assert.match(
      stderr,
      /error: The URL could not be opened: .*browser ended with exit code 3\. Open it yourself/,
    );
  });
  const none = await onTerminal([], { BROWSER: "/none/browser" });
  assert.deepEqual([none.code, none.stdout], [1, `${APP_URL}\n`]);
  assert.match(none.stderr, /there is no program \/none\/browser/);
});

Deno.test("open prints the URL when that is wanted, without a terminal, and without a desktop", async () => {
  await using api = await controlPlane();
  const env = { ...access(api.url), BROWSER: "/none" };
  const piped = await unkey(["open"], { env });
  assert.deepEqual([piped.code, piped.stdout], [0, `${APP_URL}\n`]);
  assert.match(piped.stderr, /not opened: standard output is not a terminal/);
  const printed = await onTerminal(["--print"], { BROWSER: "/none" });
  assert.deepEqual([printed.code, printed.stdout, printed.stderr], [0, `${APP_URL}\n`, ""]);
  const remote = await onTerminal([], { CI: "1" });
  assert.deepEqual([remote.code, remote.stdout], [0, `${APP_URL}\n`]);
  assert.match(remote.stderr, /not opened: this is a CI job\n/);
  assert.deepEqual(onlyJson(await unkey(["open", "--json"], { env })), {
    url: APP_URL,
    project: "shop",
    environment: "preview",
    deploymentId: "d_1",
  });
});

Deno.test("open says what to do when there is nothing to open", async () => {
  const cases: readonly (readonly [
    options: Parameters<typeof controlPlane>[0],
    args: readonly string[],
    says: RegExp,
  ])[] = [
    [{ live: "" }, [], /Nothing is live in preview of shop: "unkey deploy --env preview"/],
    [{}, ["--env", "production"], /Nothing is live in production of shop/],
    [{}, ["--env", "qa"], /no environment "qa"\. It has: preview, production\./],
    [{ urls: [] }, [], /d_1, which is live in preview of shop, has no URL/],
  ];
  for (const [options, args, says] of cases) {
    await using api = await controlPlane(options);
    const { code, stdout, stderr } = await unkey(["open", ...args], { env: access(api.url) });
    assert.deepEqual([code, stdout], [1, ""], stderr);
    assert.match(stderr, says);
  }
});

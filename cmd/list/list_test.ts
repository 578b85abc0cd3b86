import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { DeploymentStatus, type ListDeploymentsRequest } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { RunState } from "../../proto/gen/ctrl/v1/run_pb.ts";
import { access, deploymentOf, NOW, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const READY = deploymentOf({ id: "d_2", live: true, desiredInstances: 2, runningInstances: 2 });
const FAILED = deploymentOf({
  id: "d_1",
  environmentSlug: "preview",
  gitBranch: "feature\x1b[31m\nx",
  status: DeploymentStatus.FAILED,
  failureCode: "build_failed",
  errorMessage: "The build failed.",
  gitCommitSha: "abc",
  gitCommitMessage: "fix",
  gitCommitAuthorHandle: "ada",
  urls: [],
});

function controlPlane(requests: ListDeploymentsRequest[] = [], all = [READY, FAILED]) {
  return startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP, { id: "proj_new", slug: "new" }] }) },
    deployment: {
      listDeployments(request) {
        requests.push(request);
        const start = request.pageToken === "" ? 0 : Number(request.pageToken);
        const end = start + request.pageSize;
        return { deployments: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
      },
    },
  });
}

Deno.test("list prints deployments in columns that line up, with ages", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await unkey(["list"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `ID   PROJECT  ENV         BRANCH     STATUS  LIVE  AGE  URL
d_2  shop     production  main       ready   live  3m   http://shop-acme.localhost:7070
d_1  shop     preview     feature x  failed  -     3m   -
`,
  );
});

Deno.test("list marks a deployment whose image was removed", async () => {
  const old = deploymentOf({ id: "d_0", status: DeploymentStatus.STOPPED, imageRemoved: true, urls: [] });
  await using api = await controlPlane([], [old]);
  const { stdout } = await unkey(["list"], { env: access(api.url) });
  assert.match(stdout, /^d_0 .* stopped, image removed +-/m);
  const { deployments } = onlyJson(await unkey(["list", "--json"], { env: access(api.url) })) as {
    readonly deployments: readonly { readonly imageRemoved?: true }[];
  };
  assert.deepEqual(deployments.map((each) => each.imageRemoved), [true]);
});

Deno.test("list --json prints one object, with failures and without empty members", async () => {
  await using api = await controlPlane();
  const result = await unkey(["list", "--json"], { env: access(api.url) });
  assert.deepEqual(onlyJson(result), {
    deployments: [
      {
        id: "d_2",
        status: "ready",
        live: true,
        project: "shop",
        environment: "production",
        branch: "main",
        urls: ["http://shop-acme.localhost:7070"],
        instances: { desired: 2, running: 2 },
        createdAt: 1_799_999_820_000,
        updatedAt: 1_799_999_940_000,
      },
      {
        id: "d_1",
        status: "failed",
        live: false,
        project: "shop",
        environment: "preview",
        branch: "feature\x1b[31m\nx",
        commit: { sha: "abc", message: "fix", author: "ada" },
        urls: [],
        instances: { desired: 0, running: 0 },
        createdAt: 1_799_999_820_000,
        updatedAt: 1_799_999_940_000,
        error: { code: "build_failed", message: "The build failed." },
      },
    ],
  });
});

Deno.test("list reads as many pages as --limit needs, and returns the token of the next one", async () => {
  const requests: ListDeploymentsRequest[] = [];
  const all = Array.from({ length: 230 }, (_, at) => deploymentOf({ id: `d_${at}` }));
  await using api = await controlPlane(requests, all);
  const list = async (...args: string[]): Promise<{ ids: string[]; nextPageToken: string | undefined }> => {
    const listed = onlyJson(await unkey(["list", "--json", ...args], { env: access(api.url) }));
    assert.ok(typeof listed === "object" && listed !== null && "deployments" in listed);
    assert.ok(Array.isArray(listed.deployments));
    const nextPageToken = "nextPageToken" in listed ? String(listed.nextPageToken) : undefined;
    return { ids: listed.deployments.map(({ id }) => String(id)), nextPageToken };
  };
  const first = await list("--limit", "150");
  assert.equal(new Set(first.ids).size, 150);
  assert.deepEqual(requests.map(({ pageSize }) => pageSize), [100, 50]);
  const rest = await list("--limit", "1000", "--page-token", first.nextPageToken ?? "");
  assert.deepEqual(rest, { ids: all.slice(150).map(({ id }) => id), nextPageToken: undefined });
});

Deno.test("list filters by project, named by its slug, and by environment", async () => {
  const requests: ListDeploymentsRequest[] = [];
  await using api = await controlPlane(requests);
  const env = access(api.url);
  await unkey(["list", "--project", "shop", "--env", "preview"], { env });
  assert.equal(requests[0]?.projectId, "proj_shop");
  assert.equal(requests[0]?.environmentSlug, "preview");
  const wrong = await unkey(["list", "--project", "shpo", "--json"], { env });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /no project "shpo".*Did you mean "shop"\?/);
  assert.equal(requests.length, 1, "a project that does not exist must not list all of them");
});

Deno.test("list projects shows the live deployment of each", async () => {
  await using api = await controlPlane();
  const env = access(api.url);
  const { stdout } = await unkey(["list", "projects"], { env });
  assert.match(
    stdout,
    /^PROJECT {2}ID +BRANCH {2}LIVE DEPLOYMENT {2}AGE\nshop +proj_shop {2}main +d_1 +2d\n/,
  );
  assert.deepEqual(onlyJson(await unkey(["list", "projects", "--json"], { env })), {
    projects: [
      {
        id: "proj_shop",
        slug: "shop",
        name: "Shop",
        defaultBranch: "main",
        liveDeploymentId: "d_1",
        createdAt: 1_799_827_200_000,
      },
      { id: "proj_new", slug: "new", name: "", defaultBranch: "", createdAt: 0 },
    ],
  });
});

Deno.test("an empty list is no error, and says so beside the data", async () => {
  await using api = await controlPlane([], []);
  const { code, stdout, stderr } = await unkey(["list"], { env: access(api.url) });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /No deployments.*unkey deploy/);
});

Deno.test("commands say what to do when they cannot call", async (t) => {
  await using api = await controlPlane();
  await t.step("without a login", async () => {
    const { code, stderr } = await unkey(["list"]);
    assert.equal(code, 4);
    assert.match(stderr, /not logged in.*unkey login.*UNKEY_ROOT_KEY/);
  });
  await t.step("with a wrong key", async () => {
    const env = { ...access(api.url), UNKEY_ROOT_KEY: "unkey_wrong" };
    const result = await unkey(["list", "--json"], { env });
    assert.equal(result.code, 4);
    assert.match(result.stderr, /does not accept.*unkey login/);
    assert.doesNotMatch(result.stderr, /unkey_wrong/);
    assert.match(JSON.stringify(onlyJson(result)), /"code":"unauthenticated".*"exitCode":4/);
  });
  await t.step("when nobody answers", async () => {
    const gone = await controlPlane();
    await gone.stop();
    const { code, stderr } = await unkey(["list"], { env: access(gone.url) });
    assert.equal(code, 20);
    assert.match(stderr, new RegExp(`${gone.url} does not answer`));
  });
  await t.step("when the control plane itself says that it cannot", async () => {
    await using busy = await startControlPlane({
      deployment: {
        listDeployments: () => {
          throw publicFault("unavailable", "The database does not answer.");
        },
      },
    });
    const { code, stderr } = await unkey(["list"], { env: access(busy.url) });
    assert.equal(code, 20);
    assert.match(stderr, /^error: The database does not answer\.\n {3}request id: req_\w+\n$/);
  });
  await t.step("with a word that is not one", async () => {
    const { code, stderr } = await unkey(["list", "regions"], { env: access(api.url) });
    assert.equal(code, 2);
    assert.match(stderr, /"regions" cannot be listed/);
  });
  await t.step("with two wrong settings, both at once", async () => {
    const { code, stderr } = await unkey(["list", "--limit", "0", "--json=perhaps"], {
      env: access(api.url),
    });
    assert.equal(code, 2);
    assert.match(stderr, /--limit \(UNKEY_LIST_LIMIT\)/);
    assert.match(stderr, /--json \(UNKEY_JSON\)/);
  });
});

Deno.test("list shows a queued deployment with its place", async () => {
  const queued = deploymentOf({
    status: DeploymentStatus.QUEUED,
    queuePosition: 2,
    queueBlockerIds: ["d_9"],
    queueBlocker: "1 build ahead, running now: d_9 of shop (production)",
    queuedAt: 1_799_999_820_000n,
    urls: [],
  });
  await using api = await controlPlane([], [queued]);
  const { stdout } = await unkey(["list"], { env: access(api.url) });
  assert.match(stdout, /^d_1 .* queued #2 +- +3m/m);
  const shown = JSON.stringify(onlyJson(await unkey(["list", "--json"], { env: access(api.url) })));
  assert.ok(shown.includes(`"queue":{"position":2,"blockers":["d_9"],"queuedAt":1799999820000}`), shown);
});

Deno.test("list runs prints commands with their states and exit codes, and as JSON", async () => {
  const run = {
    id: "run_1",
    projectSlug: "shop",
    environmentSlug: "preview",
    deploymentId: "d_2",
    command: ["sh", "-c", "echo $X"],
    state: RunState.TIMED_OUT,
    exitCode: 137,
    createdAt: BigInt(NOW - 180_000),
    startedAt: BigInt(NOW - 170_000),
    endedAt: BigInt(NOW - 110_000),
  };
  await using api = await startControlPlane({ deployment: { listRuns: () => ({ runs: [run] }) } });
  const { code, stdout, stderr } = await unkey(["list", "runs"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `ID     PROJECT  ENV      CRON  DEPLOYMENT  STATE      EXIT  AGE  TOOK  COMMAND
run_1  shop     preview  -     d_2         timed_out  137   3m   1m    sh -c 'echo $X'
`,
  );
  const json = onlyJson(await unkey(["list", "runs", "--json"], { env: access(api.url) }));
  assert.partialDeepStrictEqual(json, { runs: [{ id: "run_1", state: "timed_out", exitCode: 137 }] });
});

Deno.test("list crons prints schedules, the next time and the last entry, and as JSON", async () => {
  const cron = {
    id: "cron_1",
    name: "cleanup",
    projectSlug: "shop",
    environmentSlug: "production",
    schedule: "30 2 * * *",
    timezone: "Europe/Berlin",
    command: ["sh", "-c", "npm run cleanup"],
    nextAt: BigInt(Date.parse("2026-03-29T01:00Z")),
    lastRun: { id: "run_1", state: RunState.SKIPPED, plannedTimes: 3, plannedAt: BigInt(NOW - 180_000) },
  };
  const paused = { ...cron, name: "b", timezone: "UTC", pausedAt: 1n, nextAt: 0n, lastRun: undefined };
  const crons = [cron, paused].map(({ lastRun, ...each }) => ({
    ...each,
    ...(lastRun === undefined ? {} : { lastRun }),
  }));
  await using api = await startControlPlane({ cron: { listCrons: () => ({ crons }) } });
  const { code, stdout, stderr } = await unkey(["list", "crons"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `NAME     PROJECT  ENV         SCHEDULE                    NEXT               LAST               AGO  COMMAND
cleanup  shop     production  30 2 * * * (Europe/Berlin)  2026-03-29T01:00Z  skipped (3 times)  3m   sh -c 'npm run cleanup'
b        shop     production  30 2 * * *                  paused             -                  -    sh -c 'npm run cleanup'
`,
  );
  const json = onlyJson(await unkey(["list", "crons", "--json"], { env: access(api.url) }));
  assert.partialDeepStrictEqual(json, {
    crons: [{ name: "cleanup", lastRun: { state: "skipped" } }, { pausedAt: 1 }],
  });
});

Deno.test("list runs --cron asks for the runs of a cron, and no other list takes it", async () => {
  const asked: string[] = [];
  await using api = await startControlPlane({
    deployment: {
      listRuns({ cron }) {
        asked.push(cron);
        return { runs: [] };
      },
    },
  });
  assert.equal((await unkey(["list", "runs", "--cron", "cleanup"], { env: access(api.url) })).code, 0);
  assert.deepEqual(asked, ["cleanup"]);
  const { code, stderr } = await unkey(["list", "--cron", "cleanup"], { env: access(api.url) });
  assert.equal(code, 2);
  assert.match(stderr, /unkey list runs --cron cleanup/);
});

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deploy, GOES_WELL, startParts, step, type Stream } from "../shared/deploying/testing.ts";
import {
  access,
  deploymentOf,
  onlyJson,
  type RunOptions,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

const { READY, FAILED, BUILDING, CANCELLED, SUPERSEDED } = DeploymentStatus;

async function attach(stream: Stream, args: readonly string[] = [], options: RunOptions = {}) {
  await using parts = await startParts({ streams: [stream] });
  const result = await unkey(["attach", "d_1", ...args], { env: access(parts.plane.url), ...options });
  return { ...result, cancels: parts.seen.cancels };
}

Deno.test("attach prints what the deploy prints, from the first event to the end", async () => {
  const attached = await attach(GOES_WELL);
  await using parts = await startParts({ streams: [GOES_WELL] });
  const deployed = await deploy({ url: parts.plane.url, args: ["--image", "shop:1"] });
  assert.deepEqual([attached.code, attached.stdout], [deployed.code, deployed.stdout]);
  const events = (text: string) => text.slice(text.indexOf(".. building"), text.indexOf("   deployment"));
  assert.equal(events(attached.stderr), events(deployed.stderr));
  assert.match(attached.stderr, /compiling/);
});

Deno.test("attach ends with the code of the deployment's end, also when that was long ago", async () => {
  const ends: readonly (readonly [NonNullable<Stream["then"]>, number])[] = [
    [{ status: READY, urls: ["http://x"] }, 0],
    [{ status: FAILED, failureCode: "build_failed" }, 12],
    [{ status: FAILED, failureCode: "crash_loop" }, 13],
    [{ status: CANCELLED }, 15],
    [{ status: SUPERSEDED }, 16],
  ];
  for (const [then, code] of ends) {
    const { stdout, ...result } = await attach({ events: [], then }, ["--json"]);
    const { exitCode, id } = JSON.parse(stdout);
    assert.deepEqual([result.code, exitCode, id], [code, code, "d_1"]);
  }
});

Deno.test("attach --timeout ends with 17, and the deployment goes on", async () => {
  const stream = { events: [step("building", "running")], until: new Promise(() => undefined) };
  const { code, stdout, cancels } = await attach(stream, ["--timeout", "1s", "--json"]);
  const { status, error } = JSON.parse(stdout);
  assert.deepEqual([code, status, error.code, error.phase, cancels], [
    17,
    "running",
    "still_running",
    "wait",
    0,
  ]);
  assert.match(error.message, /not ready within 1s.*"unkey attach d_1" follows it/);
});

Deno.test("attach and Ctrl-C: 130 without a terminal, and the text names attach", async () => {
  const stop = new AbortController();
  const stream: Stream = { events: [step("building", "running")], until: new Promise(() => undefined) };
  await using parts = await startParts({
    streams: [stream],
    onWatch: () => stop.abort(new DOMException("Got SIGINT", "AbortError")),
  });
  const { code, stderr } = await unkey(["attach", "d_1"], {
    env: access(parts.plane.url),
    signal: stop.signal,
  });
  assert.deepEqual([code, parts.seen.cancels], [130, 0]);
  assert.match(stderr, /goes on\. "unkey attach d_1" follows it again/);
});

Deno.test("attach of a project follows its newest deployment, and says which", async () => {
  const seen: string[] = [];
  await using plane = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      listDeployments: ({ environmentSlug }) => {
        seen.push(environmentSlug);
        return { deployments: [deploymentOf({ status: BUILDING })] };
      },
      async *watchDeploymentEvents() {},
      getDeployment: () => ({ deployment: deploymentOf({}) }),
    },
  });
  const env = access(plane.url);
  const { code, stderr } = await unkey(["attach", "shop", "--env", "preview"], { env });
  assert.deepEqual([code, seen], [0, ["preview"]]);
  assert.match(stderr, /^ {3}d_1, the newest of shop\n/);
  const { project, environment } = JSON.parse((await unkey(["attach", "shop", "--json"], { env })).stdout);
  assert.deepEqual([project, environment], ["shop", "production"]);
});

Deno.test("attach says which deployment is missing, with 1 and the members of a result", async () => {
  await using plane = await startControlPlane({
    deployment: {
      getDeployment: () => {
        throw new ConnectError("Deployment d_9 was not found.", Code.NotFound);
      },
    },
  });
  const result = await unkey(["attach", "d_9", "--json"], { env: access(plane.url) });
  assert.equal(result.code, 1);
  const { id, status, error } = JSON.parse(JSON.stringify(onlyJson(result)));
  assert.deepEqual([id, status, error.code], [null, "failed", "not_found"]);
});

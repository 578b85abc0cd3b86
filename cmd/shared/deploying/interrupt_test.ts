import assert from "node:assert/strict";
import type { Prompts } from "../../../pkg/cli/mod.ts";
import { DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DEPLOY_EXIT } from "./exit_codes.ts";
import { deploy, GOES_WELL, resultOf, startParts, step } from "./testing.ts";

/** Ctrl-C as soon as the stream is open, and the user's answer to the question. */
function interruptedDuring(answer: boolean | undefined) {
  const stop = new AbortController();
  const asked: string[] = [];
  const prompts: Prompts = {
    confirm: ({ message }) => {
      asked.push(message);
      return Promise.resolve(answer);
    },
    select: () => Promise.resolve(undefined),
    password: () => Promise.resolve(undefined),
  };
  const until = new Promise((done) => stop.signal.addEventListener("abort", done));
  const streams = [
    { events: [step("building", "running")], until },
    { events: [], then: { status: DeploymentStatus.CANCELLED } },
  ];
  return {
    stop,
    asked,
    prompts,
    script: { streams, onWatch: () => stop.abort(new DOMException("SIGINT", "AbortError")) },
  };
}

Deno.test("Ctrl-C asks, and cancels only when the answer is yes", async (t) => {
  const cases = [
    {
      name: "yes",
      answer: true,
      cancels: 1,
      code: "cancelled",
      status: "cancelled",
      exit: DEPLOY_EXIT.cancelled,
    },
    { name: "no", answer: false, cancels: 0, code: "interrupted", status: "running", exit: 130 },
    {
      name: "Ctrl-C again",
      answer: undefined,
      cancels: 0,
      code: "interrupted",
      status: "running",
      exit: 130,
    },
  ];
  for (const { name, answer, cancels, code, status, exit } of cases) {
    await t.step(name, async () => {
      const { stop, asked, prompts, script } = interruptedDuring(answer);
      await using parts = await startParts(script);
      const deployed = await deploy({ url: parts.plane.url, args: ["--json"], prompts, signal: stop.signal });
      const result = resultOf(deployed);
      assert.deepEqual([result.id, result.error?.code, result.status, result.exitCode], [
        "d_1",
        code,
        status,
        exit,
      ]);
      assert.equal(parts.seen.cancels, cancels);
      assert.equal(asked.length, 1);
      assert.match(asked[0] ?? "", /d_1/);
    });
  }
});

/** While the question was open, the deployment went live. */
Deno.test("Ctrl-C that cancels a live deployment says where its traffic went", async () => {
  const { stop, prompts, script } = interruptedDuring(true);
  const rolledBack = { fromDeploymentId: "d_1", toDeploymentId: "d_0" };
  await using parts = await startParts({
    ...script,
    deployment: { cancelDeployment: () => ({ status: DeploymentStatus.READY, rolledBack }) },
  });
  const result = resultOf(
    await deploy({ url: parts.plane.url, args: ["--json"], prompts, signal: stop.signal }),
  );
  assert.deepEqual([result.status, result.error?.code, result.exitCode], [
    "ready",
    "cancelled",
    DEPLOY_EXIT.cancelled,
  ]);
  assert.match(result.error?.message ?? "", /went back to d_0/);
});

Deno.test("Ctrl-C without a terminal leaves the deployment running and says how to follow it", async () => {
  const { stop, script } = interruptedDuring(undefined);
  await using parts = await startParts(script);
  const { code, stdout, stderr } = await deploy({ url: parts.plane.url, signal: stop.signal });
  assert.deepEqual([code, stdout], [130, ""]);
  assert.match(stderr, /goes on. "unkey attach d_1"[^]*"unkey cancel d_1"/);
  assert.equal(parts.seen.cancels, 0);
});

Deno.test("Ctrl-C asks nothing with --yes or --no-input", async () => {
  for (const flag of ["--yes", "--no-input"]) {
    const { stop, asked, prompts, script } = interruptedDuring(true);
    await using parts = await startParts(script);
    const { code } = await deploy({ url: parts.plane.url, args: [flag], prompts, signal: stop.signal });
    assert.deepEqual([code, asked.length, parts.seen.cancels], [130, 0, 0], flag);
  }
});

/** The user could not know whether there is a deployment. */
Deno.test("Ctrl-C does not break off a create that is under way", async () => {
  const stop = new AbortController();
  await using parts = await startParts({
    streams: [GOES_WELL],
    deployment: {
      createDeployment: async () => {
        stop.abort(new DOMException("SIGINT", "AbortError"));
        await new Promise((done) => setTimeout(done, 50));
        return { deploymentId: "d_1", status: DeploymentStatus.PENDING };
      },
    },
  });
  const result = resultOf(await deploy({ url: parts.plane.url, args: ["--json"], signal: stop.signal }));
  assert.deepEqual([result.id, result.status, result.exitCode], ["d_1", "running", 130]);
});

Deno.test("Ctrl-C before the create says that there is no deployment", async () => {
  const stop = new AbortController();
  await using parts = await startParts({
    upload: {
      prepareContext: () => {
        stop.abort(new DOMException("SIGINT", "AbortError"));
        return { buildContextPath: "context/1" };
      },
    },
  });
  const result = resultOf(await deploy({ url: parts.plane.url, args: ["--json"], signal: stop.signal }));
  assert.deepEqual([result.id, result.error?.code, result.exitCode], [null, "interrupted", 130]);
  assert.equal(parts.seen.creates.length, 0);
});

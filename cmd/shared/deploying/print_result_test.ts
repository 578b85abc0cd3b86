import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { deploy, GOES_WELL, resultOf, startParts, step, type Stream } from "./testing.ts";

const FAILS: Stream = {
  events: [step("building", "running"), step("building", "failed")],
  then: { status: DeploymentStatus.FAILED, failureCode: "build_failed", errorMessage: "It failed." },
};

async function run(stream: Stream, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using parts = await startParts({ streams: [stream] });
  return await deploy({ url: parts.plane.url, args, env });
}

Deno.test("deploy --quiet prints the URLs alone, and of a failure only the error", async () => {
  const went = await run(GOES_WELL, ["--quiet"]);
  assert.deepEqual([went.code, went.stdout, went.stderr], [0, "http://shop-acme.localhost:7070\n", ""]);
  const failed = await run(FAILS, ["--quiet"]);
  assert.deepEqual([failed.code, failed.stdout, failed.stderr], [12, "", "error: It failed.\n"]);
  const json = await run(FAILS, ["--quiet", "--json"]);
  assert.deepEqual([resultOf(json).exitCode, json.stderr], [12, "error: It failed.\n"]);
});

Deno.test("deploy --quiet prints the id of a deployment that is not waited for", async () => {
  for (const args of [["--detach"], ["--wait", "none"], ["--wait=none", "--quiet"]]) {
    const { code, stdout } = await run(GOES_WELL, ["--quiet", ...args]);
    assert.deepEqual([code, stdout], [0, "d_1\n"], args.join(" "));
  }
});

const BUILT: Stream = {
  events: [
    step("building", "running"),
    step("building", "done"),
    { case: "status", value: { status: DeploymentStatus.DEPLOYING } },
  ],
  then: { status: DeploymentStatus.DEPLOYING },
  until: new Promise(() => undefined),
};

/** The stream of events stays open, as that of a deployment that goes on does. */
Deno.test("deploy --wait built ends as soon as the image is built, with the id and 0", async () => {
  const text = await run(BUILT, ["--wait", "built"]);
  assert.deepEqual([text.code, text.stdout], [0, "d_1\n"]);
  assert.match(text.stderr, /ok building.*\n.*it goes on: "unkey attach d_1" follows it\n$/s);
  const { status, urls, timings } = resultOf(await run(BUILT, ["--wait=built", "--json"]));
  assert.deepEqual([status, urls, typeof timings.buildMs], ["deploying", [], "number"]);
});

Deno.test("deploy --wait built ends with the failure of a build, and with a deployment that is ready already", async () => {
  assert.equal((await run(FAILS, ["--wait", "built"])).code, 12);
  const ready = await run(GOES_WELL, ["--wait", "built"]);
  assert.deepEqual([ready.code, ready.stdout], [0, "http://shop-acme.localhost:7070\n"]);
});

Deno.test("deploy refuses another wait and another timeout with 2, before anything is sent", async () => {
  for (const args of [["--wait", "forever"], ["--timeout", "30"], ["--output", "xml"]]) {
    await using parts = await startParts({});
    const { code, stderr } = await deploy({ url: parts.plane.url, args });
    assert.deepEqual([code, parts.seen.creates.length], [2, 0]);
    assert.match(stderr, /must be (none, built or ready|a duration like|text, json or ndjson)/);
  }
});

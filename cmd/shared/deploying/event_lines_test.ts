import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { DeploymentEventSchema, DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { EventLines } from "./event_lines.ts";
import { deploy, GOES_WELL, startParts, step } from "./testing.ts";

type Payload = NonNullable<MessageInitShape<typeof DeploymentEventSchema>["payload"]>;

function printed(payload: Payload): unknown[] {
  let text = "";
  const lines = new EventLines({
    stdout: (each) => text += each,
    clock: { now: () => 9, sleep: () => Promise.resolve() },
  });
  lines.event(create(DeploymentEventSchema, { createdAt: 5n, payload }));
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

Deno.test("EventLines prints an object a line, with kind and the control plane's time", () => {
  const READY = DeploymentStatus.READY;
  assert.deepEqual(printed({ case: "status", value: { status: READY, urls: ["http://x"] } }), [
    { kind: "status", time: 5, status: "ready", urls: ["http://x"] },
  ]);
  assert.deepEqual(printed({ case: "status", value: { status: DeploymentStatus.BUILDING } }), [
    { kind: "status", time: 5, status: "building" },
  ]);
  assert.deepEqual(printed(step("building", "done")), [
    { kind: "step", time: 5, step: "building", status: "done", message: "" },
  ]);
  const log = { source: "build", origin: "RUN make", lines: ["a", "\x1b[2J\n"] };
  assert.deepEqual(printed({ case: "log", value: log }), [
    { kind: "log", time: 5, source: "build", origin: "RUN make", text: "a" },
    { kind: "log", time: 5, source: "build", origin: "RUN make", text: "\x1b[2J\n" },
  ]);
  assert.deepEqual(printed({ case: "notice", value: { message: "mind" } }), [
    { kind: "notice", time: 5, message: "mind" },
  ]);
});

interface Line {
  readonly kind: string;
  readonly time: number;
  readonly [member: string]: unknown;
}

async function events(args: readonly string[], failureCode = "") {
  const events = failureCode === ""
    ? GOES_WELL.events
    : [step("building", "running"), step("building", "failed")];
  const failed = { status: DeploymentStatus.FAILED, failureCode, errorMessage: "It failed." };
  const stream = failureCode === "" ? GOES_WELL : { events, then: failed };
  await using parts = await startParts({ streams: [stream] });
  const { code, stdout, stderr } = await deploy({
    url: parts.plane.url,
    args: ["--output", "ndjson", ...args],
  });
  const lines: Line[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  return { code, lines, stderr };
}

Deno.test("deploy --output ndjson prints events as they come, and the result of --json last", async () => {
  const { code, lines, stderr } = await events([]);
  assert.equal(code, 0);
  assert.equal(stderr, "", "events say all that messages do");
  assert.deepEqual(lines.map(({ kind }) => kind), [
    ...["created", "step", "log", "log", "step", "step", "step", "status", "result"],
  ]);
  for (const { time } of lines) assert.equal(typeof time, "number");
  assert.deepEqual(lines[0]?.["id"], "d_1");
  const { id, status, urls, exitCode } = lines.at(-1) ?? assert.fail("no result");
  assert.deepEqual([id, status, exitCode], ["d_1", "ready", 0]);
  assert.ok(Array.isArray(urls) && urls.length === 1);
});

Deno.test("deploy --output ndjson ends with a result that has the failure, also of a call that is wrong", async () => {
  const failed = await events([], "build_failed");
  const last = failed.lines.at(-1);
  assert.deepEqual([failed.code, last?.kind, last?.["status"], last?.["exitCode"]], [
    12,
    "result",
    "failed",
    12,
  ]);
  assert.match(failed.stderr, /^error: It failed\.\n$/);
  const wrong = await events(["--port", "x"]);
  assert.deepEqual([wrong.code, wrong.lines.length, wrong.lines[0]?.kind, wrong.lines[0]?.["id"]], [
    ...[2, 1, "result", null],
  ]);
});

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { DeploymentEventSchema } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { cutToColumns, Report, seconds } from "./report.ts";

type Payload = NonNullable<MessageInitShape<typeof DeploymentEventSchema>["payload"]>;

function start(live: boolean) {
  let text = "";
  const report = new Report({
    stderr: (written) => text += written,
    clock: new ManualClock(),
    terminal: { stdin: live, stdout: live, stderr: live, colour: false, live, columns: () => 40 },
  });
  return {
    report,
    event: (createdAt: number, payload: Payload) =>
      report.event(create(DeploymentEventSchema, { createdAt: BigInt(createdAt), payload })),
    /** The text since the last call. */
    written(): string {
      const since = text;
      text = "";
      return since;
    },
    [Symbol.dispose]: () => report[Symbol.dispose](),
  };
}

const step = (name: string, status: string, message = ""): Payload => ({
  case: "step",
  value: { name, status, message },
});

Deno.test("Report prints a line when a step starts and ends, with its time, without a terminal", () => {
  using test = start(false);
  test.event(1_000, step("building", "running", "Building the image."));
  test.event(3_400, step("building", "done"));
  test.event(3_500, step("deploying", "running"));
  test.event(4_000, step("deploying", "failed"));
  assert.equal(test.written(), ".. building\nok building (2.4 s)\n.. starting\nfailed starting\n");
});

Deno.test("Report prints what there is to know about a step that is done", () => {
  using test = start(false);
  test.event(1_000, step("network", "running"));
  test.event(2_000, step("network", "done", "Requests under way on d_1 have 2 minutes to end."));
  assert.match(
    test.written(),
    /^\.\. .*\nok .* \(1\.0 s\)\n {3}Requests .* on d_1 have 2 minutes to end\.\n$/,
  );
});

Deno.test("Report prints what a start waits for, and that it goes on", () => {
  for (const live of [false, true]) {
    using test = start(live);
    test.event(1_000, step("deploying", "running", "Starting the app in near."));
    test.event(2_000, step("deploying", "running", "Waiting: no room."));
    test.event(3_000, step("deploying", "running", "Starting the app in near."));
    assert.match(test.written(), /\.\. Waiting: no room\n[^]*\.\. Starting the app in near\n/);
  }
});

Deno.test("Report prints each place in the queue without a terminal, and counts the time from the first", () => {
  using test = start(false);
  test.event(1_000, step("queued", "running", "2 builds ahead."));
  test.event(2_000, step("queued", "running", "1 build ahead."));
  test.event(6_000, step("queued", "done"));
  assert.equal(
    test.written(),
    ".. 2 builds ahead\n.. 1 build ahead\nok waiting for a build slot (5.0 s)\n",
  );
});

Deno.test("Report names the origin of output once, and removes control characters from it", () => {
  using test = start(false);
  const log = (origin: string, ...lines: string[]): Payload => ({ case: "log", value: { origin, lines } });
  test.event(1, log("[1/2] RUN make", "a\x1b[2J", "b"));
  test.event(2, log("[1/2] RUN make", "c"));
  test.event(3, log("[2/2] RUN test", "d"));
  assert.equal(
    test.written(),
    "   [1/2] RUN make\n   | a\n   | b\n   | c\n   [2/2] RUN test\n   | d\n",
  );
});

Deno.test("Report shows a notice in one line", () => {
  using test = start(false);
  test.event(1, { case: "notice", value: { message: "two\nlines" } });
  assert.equal(test.written(), "note two lines\n");
});

Deno.test("Report redraws the activity below a line that stays, on a terminal only", () => {
  using test = start(true);
  test.report.busy("connecting");
  test.report.line("stays");
  assert.equal(test.written(), "\r\x1b[Kstays\n|  connecting 0.0 s");
  test.report.progress("uploading", 0.5);
  test.report.line("stays, too");
  const bar = `${"#".repeat(12)}${"-".repeat(12)}`;
  assert.equal(test.written(), `\r\x1b[Kstays, too\n|  uploading ${bar} 5`);
  test.report.idle();
  assert.equal(test.written(), "\r\x1b[K");
  test.report.line("alone");
  assert.equal(test.written(), "alone\n");
});

Deno.test("Report shows no activity and no progress without a terminal", () => {
  using test = start(false);
  test.report.busy("connecting");
  test.report.progress("uploading", 0.5);
  test.report.line("stays");
  test.report.idle();
  assert.equal(test.written(), "stays\n");
});

/** A line that wraps cannot be erased by a carriage return. */
Deno.test("cutToColumns() counts two columns for each character beyond ASCII", () => {
  assert.equal(cutToColumns("abcdef", 4), "abcd");
  assert.equal(cutToColumns("aééé", 4), "aé");
  assert.equal(cutToColumns("ab", 0), "");
});

Deno.test("seconds() rounds to one digit", () => {
  assert.deepEqual([0, 49, 1_250, 61_000].map(seconds), ["0.0 s", "0.0 s", "1.3 s", "61.0 s"]);
});

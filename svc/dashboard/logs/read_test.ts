/** The output in a stream that is cut. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import {
  DeploymentEventSchema,
  WatchWorkspaceResponseSchema,
} from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { LogBuffer } from "./buffer.ts";
import { linesOf, Output } from "./read.ts";

type Message = NonNullable<MessageInitShape<typeof WatchWorkspaceResponseSchema>["message"]>;

const ALL = { source: undefined, text: "" };

function logEvent(sequence: number, ...lines: string[]) {
  const log = { source: "build", origin: "RUN make", lines };
  const value = { sequence: BigInt(sequence), payload: { case: "log" as const, value: log } };
  return { case: "event" as const, value };
}

function appLine(atMs: number, text: string) {
  const line = { instance: "shop-1", region: "local", time: BigInt(atMs), stream: "stdout", text };
  return { case: "line" as const, value: line };
}

/** The lines of a page after streams that were cut, each of which brings these messages. */
function shown(streams: readonly (readonly Message[])[]) {
  const buffer = new LogBuffer();
  const counts = { lines: 0, changes: 0 };
  const output = new Output({
    id: "d_1",
    buffer,
    onLines: () => void counts.lines++,
    onChange: () => void counts.changes++,
  });
  const asked = streams.map((messages) => {
    const { deploymentId, afterEvent, linesSince } = output.position();
    for (const message of messages) output.take(create(WatchWorkspaceResponseSchema, { message }).message);
    return [deploymentId, Number(afterEvent), Number(linesSince)];
  });
  return { texts: buffer.matching(ALL).map(({ text }) => text), counts, asked };
}

Deno.test("events of a stream that was cut go on behind the last one, without a loss or a repetition", () => {
  const { texts, asked } = shown([
    [logEvent(1, "one"), logEvent(2, "two", "three")],
    // The last one that was sent comes again, as after a retry between.
    [logEvent(2, "two", "three"), logEvent(3, "four")],
    [],
    [logEvent(4, "five")],
  ]);
  assert.deepEqual(texts, ["one", "two", "three", "four", "five"]);
  assert.deepEqual(asked, [["d_1", 0, 0], ["d_1", 2, 0], ["d_1", 3, 0], ["d_1", 3, 0]]);
});

Deno.test("the output of instances follows the end of events, and is not shown twice after a cut", () => {
  const status = { sequence: 2n, payload: { case: "status" as const, value: {} } };
  const ended = { case: "eventsEnded", value: {} } as const;
  const { texts, counts, asked } = shown([
    [
      logEvent(1, "built"),
      { case: "event", value: status },
      ended,
      appLine(10, "a"),
      appLine(11, "same"),
      appLine(11, "same"),
    ],
    // From the last millisecond on, with a line that had not come before.
    [ended, appLine(11, "same"), appLine(11, "same"), appLine(11, "same"), appLine(12, "b")],
  ]);
  assert.deepEqual(texts, ["built", "a", "same", "same", "same", "b"]);
  assert.deepEqual(asked, [["d_1", 0, 0], ["d_1", 2, 11]]);
  assert.deepEqual(counts, { lines: 6, changes: 2 });
});

Deno.test("an event shows the lines of build and app, and notices of the platform", () => {
  const linesIn = (payload: MessageInitShape<typeof DeploymentEventSchema>["payload"]) =>
    linesOf(create(DeploymentEventSchema, payload === undefined ? {} : { payload }))
      .map(({ source, origin, text }) => [source, origin, text]);
  assert.deepEqual(linesIn({ case: "log", value: { source: "build", origin: "RUN", lines: ["a", "b"] } }), [
    ["build", "RUN", "a"],
    ["build", "RUN", "b"],
  ]);
  assert.deepEqual(linesIn({ case: "log", value: { source: "instance", origin: "shop-1", lines: ["c"] } }), [
    ["app", "shop-1", "c"],
  ]);
  assert.deepEqual(linesIn({ case: "notice", value: { message: "n" } }), [["notice", "unkey", "n"]]);
  assert.deepEqual(linesIn({ case: "step", value: { name: "build" } }), []);
});

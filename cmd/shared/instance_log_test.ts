import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { type InstanceLogLine, InstanceLogLineSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { PrintedLines } from "./instance_log.ts";

function line(instance: string, time: number, text: string): InstanceLogLine {
  return create(InstanceLogLineSchema, { instance, time: BigInt(time), text });
}

Deno.test("after a restart only new lines count, however many are the same", () => {
  const printed = new PrintedLines();
  const take = (...lines: InstanceLogLine[]): string[] =>
    lines.filter((each) => printed.add(each)).map(({ instance, time, text }) =>
      `${instance} ${time} ${text}`
    );

  assert.deepEqual(take(line("a", 5, "x"), line("a", 5, "x"), line("a", 6, "y")), [
    "a 5 x",
    "a 5 x",
    "a 6 y",
  ]);
  printed.restart();
  assert.deepEqual(
    take(line("b", 4, "left out of the tail"), line("a", 5, "x"), line("a", 6, "y"), line("a", 6, "y")),
    ["a 6 y"],
  );
  printed.restart();
  // The control plane keeps a bounded number of lines: a printed line need not come again.
  assert.deepEqual(take(line("a", 7, "y"), line("a", 7, "y"), line("b", 7, "y")), [
    "a 7 y",
    "a 7 y",
    "b 7 y",
  ]);
  assert.equal(printed.count, 7);
});

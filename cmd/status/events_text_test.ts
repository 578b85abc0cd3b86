/** Rows of `status --events` for what agents may report. */
import { create } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { InstanceEventSchema } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { eventJson, eventsText } from "./events.ts";

const NOW_MS = 1_700_000_000_000;

function event(
  changes: Exclude<MessageInitShape<typeof InstanceEventSchema>, { readonly $typeName: string }> = {},
) {
  return create(InstanceEventSchema, {
    kind: "ended",
    reason: "exited",
    message: "It ended.",
    instance: "a-1",
    region: "eu-1",
    times: 1,
    firstAt: BigInt(NOW_MS - 60_000),
    lastAt: BigInt(NOW_MS - 60_000),
    ...changes,
  });
}

const cells = (text: string): readonly (readonly string[])[] =>
  text.trim().split("\n").slice(1).map((line) => line.trim().split(/ {2,}/));

Deno.test("eventsText() has one line for each event, whatever its texts are", async (t) => {
  const cases: Readonly<Record<string, readonly [Parameters<typeof event>[0], readonly string[]]>> = {
    "an end": [{}, ["1m ago", "-", "eu-1", "a-1", "exited", "It ended."]],
    "a trouble": [{ kind: "trouble", reason: "quota", message: "No room." }, [
      "1m ago",
      "-",
      "eu-1",
      "a-1",
      "quota",
      "No room.",
    ]],
    "a recovery, by its kind": [{ kind: "recovered", reason: "unhealthy", message: "Well." }, [
      "1m ago",
      "-",
      "eu-1",
      "a-1",
      "recovered",
      "Well.",
    ]],
    "many within a time": [{ times: 12, firstAt: BigInt(NOW_MS - 7_260_000) }, [
      "1m ago",
      "12 times in 2h",
      "eu-1",
      "a-1",
      "exited",
      "It ended.",
    ]],
    "a text of two lines": [{ message: "It ended.\nBadly." }, [
      "1m ago",
      "-",
      "eu-1",
      "a-1",
      "exited",
      "It ended. Badly.",
    ]],
  };
  for (const [name, [changes, expected]] of Object.entries(cases)) {
    await t.step(name, () => assert.deepEqual(cells(eventsText([event(changes)], NOW_MS)), [expected]));
  }
  await t.step("control characters of a message do not reach the terminal", () => {
    const message = `red ${String.fromCharCode(27)}[31m`;
    assert.equal(eventsText([event({ message })], NOW_MS).includes(String.fromCharCode(27)), false);
  });
  await t.step("none", () => assert.match(eventsText([], NOW_MS), /Nothing has befallen its instances/));
});

Deno.test("eventJson() leaves out an exit code that is not known, and keeps 0", async (t) => {
  await t.step("none", () => assert.equal(Object.hasOwn(eventJson(event()), "exitCode"), false));
  await t.step("0", () => assert.equal(eventJson(event({ exitCode: 0 })).exitCode, 0));
  await t.step("times are numbers", () => {
    const { firstAt, lastAt } = eventJson(event());
    assert.deepEqual([firstAt, lastAt], [NOW_MS - 60_000, NOW_MS - 60_000]);
  });
});

import assert from "node:assert/strict";
import { EVENT_SCHEMA } from "../../../dev/output_schemas.ts";
import { CliBed } from "./bed.ts";

interface Event {
  readonly kind: string;
  readonly id?: string;
  readonly status?: string;
  readonly text?: string;
  readonly exitCode?: number;
}

function eventsOf(stdout: string): readonly Event[] {
  return stdout.trim().split("\n").map((line) => {
    const event: Event = JSON.parse(line);
    const { error } = EVENT_SCHEMA.safeParse(event);
    assert.equal(error, undefined, `${line}: ${error?.message}`);
    return event;
  });
}

Deno.test("the events of a deploy, and of attach to it, fit the published schema and end with the same result", async (t) => {
  await using bed = await CliBed.start();
  for (const { status, code } of [{ status: "ready", code: 0 }, { status: "failed", code: 12 }] as const) {
    await t.step(`a deployment that is ${status}`, async () => {
      bed.ending = status === "ready" ? { status } : { status, failureCode: "build_failed" };
      const deploy = await bed.script("unkey deploy --image nginx:1 --project shop --output ndjson");
      const events = eventsOf(deploy.stdout);
      assert.equal(deploy.code, code, deploy.stderr);
      assert.equal(events[0]?.kind, "created");
      assert.deepEqual(events.flatMap(({ text }) => text ?? []), bed.lines);
      assert.ok(events.some(({ kind }) => kind === "step") && events.some(({ kind }) => kind === "status"));
      const result = events.at(-1);
      assert.deepEqual([result?.kind, result?.status, result?.exitCode], ["result", status, code]);

      const attach = await bed.script(`unkey attach ${result?.id} --output ndjson`);
      assert.equal(attach.code, code);
      const again = eventsOf(attach.stdout);
      assert.deepEqual(again.slice(0, -1), events.slice(1, -1), "the same events, but for the creation");
      assert.equal(again.at(-1)?.exitCode, code);
    });
  }
});

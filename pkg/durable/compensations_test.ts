import assert from "node:assert/strict";
import { Fault } from "../fault/mod.ts";
import { execute } from "../testkit/fake_durable.ts";
import { AttemptEnded, Compensations } from "./mod.ts";

Deno.test("unwind() undoes newest first, gives each the reason, and throws the fault", async () => {
  const undone: string[] = [];
  const { result, names } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    for (const name of ["one", "two"]) {
      compensations.add(name, (fault) => Promise.resolve(void undone.push(`${name} ${fault.code}`)));
    }
    return await compensations.unwind(new Fault("not_found", "gone"));
  });
  assert.deepEqual(undone, ["two not_found", "one not_found"]);
  assert.deepEqual(names, ["undo two", "undo one"]);
  assert.ok(!result.ok && result.error instanceof Fault && result.error.code === "not_found");
});

/** The next attempt resumes from the journal, and would find its own recorded work gone. */
Deno.test("unwind() undoes nothing when only the attempt has ended", async () => {
  const { names, result } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    compensations.add("one", () => Promise.reject(new Error("must not run")));
    return await compensations.unwind(new AttemptEnded("over"));
  });
  assert.deepEqual(names, []);
  assert.ok(!result.ok && result.error instanceof AttemptEnded);
});

Deno.test("unwind() takes a bug for a final error, and undoes it too", async () => {
  const { names, result } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    compensations.add("one", () => Promise.resolve());
    return await compensations.unwind(new TypeError("oops"));
  });
  assert.deepEqual(names, ["undo one"]);
  assert.ok(!result.ok && result.error instanceof Fault && result.error.code === "internal");
});

/** A compensation that fails must not keep the others from running. */
Deno.test("unwind() goes on after an undo step that fails for good", async () => {
  const { names, result } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    compensations.add("one", () => Promise.resolve());
    compensations.add("two", () => Promise.resolve());
    return await compensations.unwind(new Fault("not_found", "gone"));
  }, { fault: { at: 0, kind: "refused" } });
  assert.deepEqual(names, ["undo two", "undo one"]);
  assert.ok(!result.ok && result.error instanceof Fault && result.error.code === "not_found");
});

/** A call to another service inside a step would be a second entry of the journal within the first one. */
Deno.test("unwind() sends messages in their turn, between the steps", async () => {
  const { names, world } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    compensations.add("one", () => Promise.resolve());
    compensations.addMessage(() => durable.send({ service: "slots", handler: "release", key: "ws" }, "d_1"));
    compensations.add("two", () => Promise.resolve());
    return await compensations.unwind(new Fault("not_found", "gone"));
  });
  assert.deepEqual(names, ["undo two", "send: release", "undo one"]);
  assert.deepEqual(world.sent.map((each) => each.input), ["d_1"]);
});

Deno.test("unwind() goes on after a message that cannot be sent", async () => {
  const { names } = await execute(async (durable) => {
    const compensations = new Compensations(durable);
    compensations.add("one", () => Promise.resolve());
    compensations.addMessage(() => durable.send({ service: "slots", handler: "release", key: "ws" }, "d_1"));
    return await compensations.unwind(new Fault("not_found", "gone"));
  }, { fault: { at: 0, kind: "refused" } });
  assert.deepEqual(names, ["send: release", "undo one"]);
});

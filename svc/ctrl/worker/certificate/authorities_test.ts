import assert from "node:assert/strict";
import { openAuthority } from "../../../../pkg/acme/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { memoryDatabase } from "../testing.ts";
import { memoryVault } from "../testing_builds.ts";
import { Authorities } from "./authorities.ts";

const DIRECTORY = "https://ca.test/dir";
const LIMIT = { max: 1, windowMs: 3_600_000 };
const WIDE = { max: 1_000, windowMs: 3_600_000 };

/** An authority whose registrations are counted, and end when the test says so. */
async function bed() {
  const clock = systemClock();
  const db = await memoryDatabase();
  const registering: PromiseWithResolvers<string>[] = [];
  const authority = {
    ...openAuthority({ directoryUrl: DIRECTORY, clock }),
    register: async () => {
      const end = Promise.withResolvers<string>();
      registering.push(end);
      return { kind: "ok" as const, value: await end.promise };
    },
  };
  const limits = { orders: WIDE, domain: WIDE, duplicate: WIDE, failures: WIDE, accounts: LIMIT };
  const authorities = new Authorities([{ authority, limits }], {
    db,
    clock,
    vault: memoryVault(),
    email: undefined,
  });
  const { signal } = new AbortController();
  const call = (workspaceId: string) =>
    authorities.call(
      { workspaceId, authority },
      signal,
      ({ url }) => Promise.resolve({ kind: "ok", value: url ?? "" }),
    );
  const begun = async (count: number): Promise<void> => {
    while (registering.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { call, registering, begun, [Symbol.asyncDispose]: () => db.close() };
}

/** Each registration counts at the authority, also one for a key that it knows in a moment. */
Deno.test("first calls of a workspace register once, and one that fails leaves it to the next", async () => {
  await using world = await bed();
  const calls = Array.from({ length: 10 }, () => world.call("ws_1"));
  const settled = Promise.allSettled(calls);
  await world.begun(1);
  world.registering[0]?.reject(new Error("the worker is stopped"));
  await world.begun(2);
  world.registering[1]?.resolve("https://ca.test/account/1");
  const ends = await settled;
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), [...Array(9).fill("fulfilled"), "rejected"]);
  for (const end of ends) {
    if (end.status === "rejected") continue;
    assert.deepEqual(end.value, { kind: "ok", value: "https://ca.test/account/1" });
  }
  assert.equal(world.registering.length, 2);
});

Deno.test("a workspace without an account waits while the limit of new accounts is spent", async () => {
  await using world = await bed();
  const first = world.call("ws_1");
  await world.begun(1);
  world.registering[0]?.resolve("https://ca.test/account/1");
  assert.equal((await first).kind, "ok");
  const second = await world.call("ws_2");
  assert.ok(second.kind === "rate_limited");
  assert.match(second.detail, /limit of new accounts/);
  assert.ok(second.untilMs > Date.now() + LIMIT.windowMs - 600_000);
  assert.equal((await world.call("ws_1")).kind, "ok", "one that is there is used");
  assert.equal(world.registering.length, 1);
});

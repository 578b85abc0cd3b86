import assert from "node:assert/strict";
import { isFault } from "../../../pkg/fault/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { SERVICE_TOKEN, startApi, type TestApi } from "../services/testing.ts";
import { clientOf, Guesses } from "./guesses.ts";

const BURST = 100;
const REFILL_MS = 3_000;

/** Guesses until one is refused; returns their number and the wait. */
function guessAll(guesses: Guesses, client: string): readonly [number, number | undefined] {
  for (let n = 0; n < 1_000; n++) {
    try {
      guesses.take(client);
    } catch (error) {
      if (!isFault(error, "rate_limited")) throw error;
      return [n, error.retryAfterSeconds];
    }
  }
  return assert.fail("nothing was refused");
}

Deno.test("a client has a burst of guesses, then one for each refill, and others have theirs", async () => {
  const clock = new ManualClock();
  const guesses = new Guesses(clock);
  assert.deepEqual(guessAll(guesses, "192.0.2.1"), [BURST, REFILL_MS / 1_000]);
  assert.deepEqual(guessAll(guesses, "192.0.2.2"), [BURST, REFILL_MS / 1_000]);
  await clock.advance(REFILL_MS * 5);
  assert.deepEqual(guessAll(guesses, "192.0.2.1"), [5, REFILL_MS / 1_000]);
  await clock.advance(REFILL_MS * 10 * BURST);
  assert.deepEqual(guessAll(guesses, "192.0.2.1")[0], BURST, "no more than the burst is saved up");
});

Deno.test("a credential that was right does not count as a guess", () => {
  const guesses = new Guesses(new ManualClock());
  for (let n = 0; n < 10 * BURST; n++) {
    guesses.take("192.0.2.1");
    guesses.give("192.0.2.1");
  }
  assert.equal(guessAll(guesses, "192.0.2.1")[0], BURST);
});

Deno.test("guesses of any number of clients take bounded memory", () => {
  const guesses = new Guesses(new ManualClock());
  assert.equal(guessAll(guesses, "first")[0], BURST);
  for (let n = 0; n < 9_999; n++) guesses.take(`client ${n}`);
  assert.equal(guessAll(guesses, "first")[0], 0);
  guesses.take("one more than there is room for");
  assert.equal(
    guessAll(guesses, "first")[0],
    BURST,
    "the client that has not tried for longest is forgotten",
  );
});

/** The client of a request that came from `address`. */
const clientFrom =
  (isProxy: (address: string) => boolean = () => false) => (address: string, forwarded?: string): string =>
    clientOf(
      new Headers({
        "x-unkey-client-address": address,
        ...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }),
      }),
      isProxy,
    );

Deno.test("the client is the connection's, or on this machine the one that the edge names", () => {
  const client = clientFrom();
  assert.equal(client("192.0.2.1"), "192.0.2.1");
  assert.equal(client("192.0.2.1", "198.51.100.7"), "192.0.2.1", "anybody could say so");
  assert.equal(client("127.0.0.1", "203.0.113.1, 198.51.100.7"), "198.51.100.7");
  assert.equal(client("::ffff:127.0.0.1", "198.51.100.7"), "198.51.100.7");
  assert.equal(client("127.0.0.1", "2001:db8:1:2:3::1"), "2001:db8:1:2::/64");
  for (const odd of ["", "unknown", "x, ", "127.0.0.1:80"]) {
    assert.equal(client("127.0.0.1", odd), "127.0.0.1");
  }
});

Deno.test("the client is the first address that no trusted proxy has, however many are in front", () => {
  const client = clientFrom((address) => address.startsWith("10.") || address === "2001:db8::5");
  assert.equal(client("10.0.0.1", "198.51.100.7"), "198.51.100.7");
  assert.equal(client("192.0.2.1", "198.51.100.7"), "192.0.2.1", "it is no proxy of ours");
  assert.equal(client("127.0.0.1", "198.51.100.7, 10.0.0.2, 10.0.0.1"), "198.51.100.7");
  assert.equal(
    client("10.0.0.1", "203.0.113.1, 198.51.100.7, 10.0.0.2"),
    "198.51.100.7",
    "the rest is the client's",
  );
  assert.equal(client("2001:db8::5", "198.51.100.7"), "198.51.100.7");
  for (const odd of ["", "unknown", "10.0.0.0/8"]) assert.equal(client("10.0.0.1", odd), "10.0.0.1");
  const loop = Array(50).fill("10.0.0.9").join(", ");
  assert.equal(client("10.0.0.1", `198.51.100.7, ${loop}`), "10.0.0.9", "a list without end is not read");
});

Deno.test("guesses are counted by the client that a trusted proxy names", async () => {
  await using api = await startApi({ trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"] });
  const [ask] = ways(api).map(([, each]) => each);
  const status = async (forwarded: string): Promise<number | undefined> => {
    const response = await ask?.("unkey_guess", { "x-forwarded-for": forwarded });
    await response?.body?.cancel();
    return response?.status;
  };
  // A slow machine gives some back meanwhile.
  let guesses = 0;
  while (await status(`192.0.2.1, 10.0.0.${4 + guesses % 2}`) !== 429) assert.ok(++guesses < 10 * BURST);
  assert.ok(guesses >= BURST);
  assert.equal(await status("192.0.2.2, 10.0.0.4"), 401);
});

type Ask = (token: string, more?: Record<string, string>) => Promise<Response>;

/** The ways to the api, each with the status of a wrong token. */
function ways({ url }: TestApi): readonly (readonly [name: string, ask: Ask, wrong: number])[] {
  const post = (path: string, type: string, body: BodyInit): Ask => async (token, more) =>
    await fetch(`${url}${path}`, {
      method: "POST",
      headers: { "content-type": type, authorization: `Bearer ${token}`, ...more },
      body,
    });
  const frame = new Uint8Array([0, 0, 0, 0, 2, 123, 125]);
  const watch = "/ctrl.v1.ClusterService/WatchDeployments";
  return [
    ["a call", post("/ctrl.v1.AdminService/WhoAmI", "application/json", "{}"), 401],
    [
      "a call that only the library takes",
      (token, more) =>
        post("/ctrl.v1.AdminService/WhoAmI", "application/json", "{}")(token, {
          "connect-timeout-ms": "60000",
          ...more,
        }),
      401,
    ],
    ["a REST route", post("/v2/deploy.getDeployment", "application/json", "{}"), 401],
    ["a nudge", post("/internal/nudge", "application/json", "{}"), 401],
    ["a stream", post(watch, "application/connect+json", frame), 200],
  ];
}

/** One wrong credential. A stream says in its text that there were too many. */
async function guess(ask: Ask, token: string, attacker: Record<string, string>) {
  const response = await ask(token, attacker);
  const text = await response.text();
  const { status, headers } = response;
  const isLimited = status === 429 || text.includes("Too many wrong credentials");
  return { status, text, isLimited, retryAfter: headers.get("retry-after") ?? "" };
}

Deno.test("guesses are slowed down on every way to the api, by address, and known clients go on", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  let n = 0;
  for (const [name, ask, wrong] of ways(api)) {
    await t.step(name, async () => {
      n++;
      const attacker = { "x-forwarded-for": `192.0.2.${n}` };
      const known = await ask(rootKey, attacker);
      assert.notEqual(known.status, 429);
      await known.body?.cancel();
      // A slow machine gives some back meanwhile.
      let guesses = 0;
      let refused = await guess(ask, `unkey_guess${guesses}`, attacker);
      for (; !refused.isLimited; refused = await guess(ask, `unkey_guess${guesses}`, attacker)) {
        assert.equal(refused.status, wrong);
        assert.ok(++guesses < 10 * BURST, "guesses are slowed down");
      }
      assert.ok(guesses >= BURST);
      if (wrong !== 200) assert.equal(refused.status, 429);
      if (wrong !== 200 && !name.includes("nudge")) assert.match(refused.retryAfter, /^[1-9]$/);
      if (!name.includes("nudge")) assert.match(refused.text, /Too many wrong credentials/);
      // A guess that is right gets the same answer as the others; a credential that was used here before is none.
      for (
        const [token, client, allowed] of [
          [SERVICE_TOKEN, attacker, false],
          [rootKey, attacker, true],
          [rootKey, { "x-forwarded-for": `198.51.100.${n}` }, true],
        ] as const
      ) {
        const response = await ask(token, client);
        assert.equal(/Too many wrong/.test(await response.text()) || response.status === 429, !allowed);
      }
    });
  }
  assert.equal(
    (await api.client(AdminService, rootKey).whoAmI({})).workspaceSlug,
    "acme",
    "by this machine itself",
  );
});

import assert from "node:assert/strict";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { createLogger } from "../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../pkg/testkit/manual_clock.ts";
import { AcmeService } from "../../../proto/gen/ctrl/v1/acme_pb.ts";
import { CHALLENGE_PATH, Challenges } from "./challenges.ts";

interface Bed {
  readonly challenges: Challenges;
  readonly clock: ManualClock;
  readonly logs: string[];
  /** The questions to the control plane: host and token. */
  readonly asked: string[];
  find(token: string, host?: string): Promise<string | undefined> | undefined;
}

/** A control plane that gives `answer`. */
function start(answer: (token: string) => string | Promise<string>): Bed {
  const asked: string[] = [];
  const logs: string[] = [];
  const clock = new ManualClock();
  const transport = createRouterTransport(({ service }) => {
    service(AcmeService, {
      verifyCertificate: async ({ domain, token }) => {
        asked.push(`${domain} ${token}`);
        return { authorization: await answer(token) };
      },
    });
  });
  const log = createLogger({ service: "frontline", level: "debug", write: (line) => void logs.push(line) });
  const challenges = new Challenges({ client: createClient(AcmeService, transport), clock, log });
  const find = (token: string, host = "a.example"): Promise<string | undefined> | undefined =>
    challenges.find(host, `${CHALLENGE_PATH}${token}`);
  return { challenges, clock, logs, asked, find };
}

function unknown(): never {
  throw new ConnectError("no such challenge", Code.NotFound);
}

Deno.test("Challenges asks once for a host and a token, and again after ten seconds", async () => {
  const { find, clock, asked } = start((token) => `${token}.thumbprint`);
  const both = await Promise.all([find("abc"), find("abc")]);
  assert.deepEqual(both, ["abc.thumbprint", "abc.thumbprint"]);
  await clock.advance(9_999);
  assert.equal(await find("abc"), "abc.thumbprint");
  assert.deepEqual(asked, ["a.example abc"]);
  await clock.advance(1);
  await find("abc");
  assert.equal(asked.length, 2);
  await find("abc", "b.example");
  assert.deepEqual(asked.slice(2), ["b.example abc"], "another host is another question");
});

Deno.test("Challenges keeps for a second only that there is none, and writes no line for it", async () => {
  for (const none of [unknown, () => ""]) {
    const { find, clock, asked, logs } = start(none);
    assert.equal(await find("abc"), undefined);
    await clock.advance(999);
    assert.equal(await find("abc"), undefined);
    assert.equal(asked.length, 1);
    await clock.advance(1);
    await find("abc");
    assert.equal(asked.length, 2);
    assert.deepEqual(logs, []);
  }
});

Deno.test("Challenges leaves a request to the app when the control plane cannot be asked", async () => {
  const { find, logs } = start(() => {
    throw new ConnectError("down", Code.Unavailable);
  });
  assert.equal(await find("abc"), undefined);
  assert.equal(logs.length, 1);
  assert.match(logs[0] ?? "", /a challenge could not be looked up.*a\.example/);
});

Deno.test("Challenges asks only for what can be a token", async (t) => {
  const cases: Readonly<Record<string, boolean>> = {
    "abcXYZ019-_": true,
    ["x".repeat(128)]: true,
    ["x".repeat(129)]: false,
    "": false,
    "a/b": false,
    "a?b=c": false,
    "a.b": false,
    "..": false,
    "%61": false,
  };
  for (const [token, wanted] of Object.entries(cases)) {
    await t.step(JSON.stringify(token.slice(0, 20)), async () => {
      const { find, asked } = start(() => "found");
      assert.equal(await find(token), wanted ? "found" : undefined);
      assert.equal(asked.length, wanted ? 1 : 0);
    });
  }
});

/** Anybody may ask for such paths. */
Deno.test("Challenges asks 16 questions at a time, and known answers need none", async () => {
  const gate = Promise.withResolvers<void>();
  const { find, asked } = start(async (token) => {
    if (token !== "known") await gate.promise;
    return token;
  });
  assert.equal(await find("known"), "known");
  const waiting = Array.from({ length: 20 }, (_, index) => find(`t${index}`));
  assert.equal(waiting.filter((each) => each === undefined).length, 4);
  assert.equal(await find("known"), "known");
  gate.resolve();
  assert.deepEqual((await Promise.all(waiting)).slice(14, 17), ["t14", "t15", undefined]);
  assert.equal(await find("t19"), "t19", "there is room again");
  assert.equal(asked.length, 18);
});

Deno.test("Challenges remembers 1,000 answers, the newest ones", async () => {
  const { find, asked } = start((token) => token);
  for (let index = 0; index <= 1_000; index++) await find(`t${index}`);
  await find("t1000");
  await find("t1");
  assert.equal(asked.length, 1_001);
  await find("t0");
  assert.equal(asked.at(-1), "a.example t0");
  assert.equal(asked.length, 1_002);
});

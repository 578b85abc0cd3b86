import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { CaProblem } from "./outcome.ts";
import { Traffic } from "./traffic.ts";
import { readProblem, type Scope, send } from "./transport.ts";

const URN = "urn:ietf:params:acme:error:";

function newScope(signal = new AbortController().signal): Scope {
  const clock = systemClock();
  return { clock, signal, http: undefined, traffic: new Traffic("http://ca.test/dir", { clock }) };
}

interface Served {
  readonly url: string;
  /** The headers of each request. */
  readonly seen: readonly Headers[];
  [Symbol.asyncDispose](): Promise<void>;
}

function serve(answer: (request: Request) => Response): Served {
  const seen: Headers[] = [];
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    seen.push(new Headers(request.headers));
    return answer(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}/x`;
  return { url, seen, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("readProblem() takes what a problem document may have, and nothing else", async (t) => {
  const cases: readonly (readonly [string, unknown, object])[] = [
    ["a document", { type: `${URN}dns`, detail: "no A record" }, { type: "dns", detail: "no A record" }],
    ["its text", `{"type":"${URN}caa","detail":"d"}`, { type: "caa", detail: "d" }],
    ["another namespace", { type: "about:blank", detail: "d" }, { detail: "d" }],
    ["a type with more behind it", { type: `${URN}dns/x` }, {}],
    ["a type without a name", { type: URN }, {}],
    ["a type of 65 letters", { type: `${URN}${"a".repeat(65)}` }, {}],
    ["a type of 64 letters", { type: `${URN}${"a".repeat(64)}` }, { type: "a".repeat(64) }],
    ["a long detail", { detail: "d".repeat(900) }, { detail: "d".repeat(500) }],
    ["other types of values", { type: 7, detail: ["d"] }, {}],
    ["a page", "<html>busy</html>", {}],
    ["null", "null", {}],
    ["a list", "[1]", {}],
    ["nothing", undefined, {}],
  ];
  for (const [name, document, expected] of cases) {
    await t.step(name, () => assert.deepEqual(readProblem(document), expected));
  }
});

Deno.test("a request names its sender, and its answer tells about the next page and the wait", async () => {
  const link = '<https://ca.example/directory>;rel="index", <https://ca.example/orders?page=2>;rel="next"';
  await using server = serve(() => new Response("list", { headers: { link, "retry-after": "60" } }));
  const scope = newScope();
  const beforeMs = scope.clock.now();
  const answer = await send(scope, { url: server.url, method: "POST", body: "{}" });
  assert.deepEqual([answer.status, answer.text], [200, "list"]);
  assert.match(server.seen[0]?.get("user-agent") ?? "", /^unkey /);
  assert.equal(scope.nextUrl, "https://ca.example/orders?page=2");
  assert.ok((scope.retryAtMs ?? 0) >= beforeMs + 60_000);
  await using last = serve(() => new Response("end"));
  await send(scope, { url: last.url, method: "GET" });
  assert.deepEqual(
    [scope.nextUrl, scope.retryAtMs],
    [undefined, undefined],
    "they are those of the last answer",
  );
});

interface Refusal {
  readonly answer: () => Response;
  readonly status: number;
  readonly type: string;
  readonly detail: RegExp;
}

function problem(status: number, type: string): Response {
  return Response.json({ type: `${URN}${type}`, detail: `detail of ${type}` }, { status });
}

Deno.test("an answer that is no success is a problem with the authority's own reason", async (t) => {
  const cases: Readonly<Record<string, Refusal>> = {
    "a problem": {
      answer: () => problem(403, "unauthorized"),
      status: 403,
      type: "unauthorized",
      detail: /^detail of unauthorized$/,
    },
    "a page of a proxy": {
      answer: () => new Response("<html>", { status: 502 }),
      status: 502,
      type: "status 502",
      detail: /^status 502$/,
    },
    "another place": {
      answer: () => Response.redirect("http://127.0.0.1:1/elsewhere", 302),
      status: 0,
      type: "unreachable",
      detail: /cannot be reached/,
    },
    "more than a chain can be": {
      answer: () => new Response("x".repeat(600 * 1024)),
      status: 0,
      type: "too_large",
      detail: /more than 524288 bytes/,
    },
  };
  for (const [name, expected] of Object.entries(cases)) {
    await t.step(name, async () => {
      await using server = serve(expected.answer);
      await assert.rejects(
        send(newScope(), { url: server.url, method: "GET" }),
        (error) =>
          error instanceof CaProblem && error.status === expected.status && error.type === expected.type &&
          expected.detail.test(error.message),
      );
      assert.equal(server.seen.length, 1, "it is not asked twice");
    });
  }
});

/** The library signs again with the new nonce, which it can do with an answer only. */
Deno.test("a refused nonce is an answer, and its problem is kept", async () => {
  await using server = serve(() => problem(400, "badNonce"));
  const scope = newScope();
  const answer = await send(scope, { url: server.url, method: "POST", body: "{}" });
  assert.equal(answer.status, 400);
  assert.equal(scope.nonceProblem?.type, "badNonce");
});

Deno.test("a request ends with its signal, with the reason of the signal", async () => {
  const stop = new AbortController();
  await using server = serve(() => {
    stop.abort(new Error("the worker stops"));
    return new Response("late");
  });
  await assert.rejects(send(newScope(stop.signal), { url: server.url, method: "GET" }), /the worker stops/);
  await assert.rejects(send(newScope(stop.signal), { url: server.url, method: "GET" }), /the worker stops/);
  assert.equal(server.seen.length, 1, "nothing is sent after it");
});

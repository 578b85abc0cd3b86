import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { newPrivateKey, openAuthority } from "./mod.ts";
import { CaProblem, failureOf } from "./outcome.ts";

const NOW_MS = 1_000_000;

Deno.test("failureOf() tells limits, refusals and outages apart", () => {
  const of = (status: number, type: string, retryAtMs?: number) =>
    failureOf(new CaProblem("why", { status, type, retryAtMs }), NOW_MS);
  const detail = "why";
  assert.deepEqual(of(429, "rateLimited", NOW_MS + 5), { kind: "rate_limited", untilMs: NOW_MS + 5, detail });
  assert.deepEqual(of(429, "status 429"), { kind: "rate_limited", untilMs: NOW_MS + 3_600_000, detail });
  assert.deepEqual(of(403, "unauthorized"), { kind: "refused", type: "unauthorized", detail });
  assert.deepEqual(of(400, "rejectedIdentifier"), { kind: "refused", type: "rejectedIdentifier", detail });
  for (
    const [status, type] of [[0, "unreachable"], [500, "serverInternal"], [403, "orderNotReady"], [
      400,
      "badNonce",
    ]] as const
  ) {
    assert.deepEqual(of(status, type), { kind: "retry", afterMs: 10_000, detail }, type);
  }
  assert.deepEqual(of(503, "serverInternal", NOW_MS + 60_000), { kind: "retry", afterMs: 60_000, detail });
});

/** The library by itself sleeps for as long as the header says, without an end and without a signal. */
Deno.test("a limit of the authority is an answer at once, not a long wait", async () => {
  const asked: string[] = [];
  await using server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    (request) => {
      const { pathname, origin: base } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/dir") {
        return Response.json({
          newNonce: `${base}/nonce`,
          newAccount: `${base}/account`,
        });
      }
      if (pathname === "/nonce") return new Response(null, { headers: { "replay-nonce": "n" } });
      const problem = { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many new accounts" };
      return Response.json(problem, { status: 429, headers: { "retry-after": "86400" } });
    },
  );
  const clock = systemClock();
  const authority = openAuthority({ directoryUrl: `http://127.0.0.1:${server.addr.port}/dir`, clock });
  const before = clock.now();
  const outcome = await authority.register({ key: newPrivateKey() }, {}, new AbortController().signal);
  assert.equal(outcome.kind, "rate_limited");
  assert.ok(outcome.kind === "rate_limited" && outcome.untilMs >= before + 86_400_000);
  assert.equal(asked.filter((path) => path === "/account").length, 1);
});

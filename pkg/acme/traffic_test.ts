import assert from "node:assert/strict";
import { systemClock } from "../clock/mod.ts";
import { type Scope, send } from "./transport.ts";
import { Traffic } from "./traffic.ts";

const MINUTE_MS = 60_000;

/** An authority that gives each answer a nonce of its own, and notes its requests. */
function serve() {
  const seen: string[] = [];
  let nonces = 0;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => undefined };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(options, (request) => {
    const { pathname } = new URL(request.url);
    seen.push(`${request.method} ${pathname}`);
    const headers = { "replay-nonce": `n${++nonces}` };
    const status = pathname === "/refused" ? 400 : 200;
    const body = status === 400 ? '{"type":"urn:ietf:params:acme:error:badNonce"}' : "answer";
    return new Response(request.method === "HEAD" ? null : body, { status, headers });
  });
  const at = (path: string): string => `http://127.0.0.1:${server.addr.port}${path}`;
  return { seen, at, [Symbol.asyncDispose]: () => server.shutdown() };
}

function scopeOf(directoryUrl: string) {
  const at = { aheadMs: 0 };
  const system = systemClock();
  const clock = { ...system, now: () => system.now() + at.aheadMs };
  const traffic = new Traffic(directoryUrl, { clock });
  const scope: Scope = { clock, signal: new AbortController().signal, http: undefined, traffic };
  const nonce = async (url: string): Promise<string | undefined> =>
    (await send(scope, { url, method: "HEAD" })).headers["replay-nonce"];
  return { at, scope, nonce };
}

Deno.test("a nonce of an answer spares a request for one, and is used once", async () => {
  await using server = serve();
  const { scope, nonce } = scopeOf(server.at("/dir"));
  assert.equal(await nonce(server.at("/nonce")), "n1");
  await send(scope, { url: server.at("/a"), method: "POST", body: "{}" });
  await send(scope, { url: server.at("/a"), method: "POST", body: "{}" });
  assert.deepEqual([await nonce(server.at("/nonce")), await nonce(server.at("/nonce"))], ["n3", "n2"]);
  assert.equal(await nonce(server.at("/nonce")), "n4", "no one is left");
  assert.deepEqual(server.seen, ["HEAD /nonce", "POST /a", "POST /a", "HEAD /nonce"]);
});

/** The library sends the nonce of such an answer by itself: kept, it would be sent twice. */
Deno.test("the nonce of a refused nonce is not kept, and old ones are forgotten", async () => {
  await using server = serve();
  const { at, scope, nonce } = scopeOf(server.at("/dir"));
  await send(scope, { url: server.at("/refused"), method: "POST", body: "{}" });
  assert.equal(await nonce(server.at("/nonce")), "n2");
  await send(scope, { url: server.at("/a"), method: "POST", body: "{}" });
  at.aheadMs += 5 * MINUTE_MS;
  assert.equal(await nonce(server.at("/nonce")), "n4");
  for (let count = 0; count < 40; count++) {
    await send(scope, { url: server.at("/a"), method: "POST", body: "{}" });
  }
  const asked = server.seen.length;
  for (let count = 0; count < 32; count++) await nonce(server.at("/nonce"));
  assert.equal(server.seen.length, asked, "32 are kept");
  await nonce(server.at("/nonce"));
  assert.equal(server.seen.length, asked + 1);
});

Deno.test("the directory is read once an hour", async () => {
  await using server = serve();
  const { at, scope } = scopeOf(server.at("/dir"));
  const read = () => send(scope, { url: server.at("/dir"), method: "GET" });
  assert.deepEqual([(await read()).text, (await read()).text], ["answer", "answer"]);
  assert.equal(server.seen.length, 1);
  at.aheadMs += 60 * MINUTE_MS;
  await read();
  assert.equal(server.seen.length, 2);
});

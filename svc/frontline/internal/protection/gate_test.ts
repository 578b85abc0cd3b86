/** The way of visitors through a protected edge, on the wire. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { makeLinkToken } from "../../../../pkg/access_proof/mod.ts";
import { FLAG, FRAME } from "../../../../pkg/http2/frames.ts";
import { block, frame } from "../../../../pkg/http2/testing_frames.ts";
import { connectHttp2, testTls } from "../../../../pkg/proxy/testing_tls.ts";
import { App, Wire } from "../../../../pkg/proxy/testing_wire.ts";
import {
  basic,
  ENDS,
  fieldOf,
  form,
  HOST,
  KEY,
  NOW_MS,
  OPEN_HOST,
  PASSWORD,
  readAnswer,
  request,
  SCOPE,
  startProtectedEdge,
} from "./testing.ts";

const TOKEN = makeLinkToken(KEY, SCOPE, ENDS);

/** Sends a request that must reach the app, and returns the head that the app got. */
async function passes(port: number, app: App, text: string): Promise<string> {
  using client = await Wire.connect(port);
  await client.send(text);
  const { wire, head } = await app.request();
  await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  assert.equal((await readAnswer(client)).status, 200);
  return head;
}

Deno.test("a visitor gives the password once, and the app gets the request without the cookie", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  const first = await edge.ask(request("/cart?a=1&b=%2F", ["Accept: text/html"]));
  assert.equal(first.status, 401);
  assert.match(first.body, /<input type="hidden" name="to" value="\/cart\?a=1&#38;b=%2F">/);
  const entered = await edge.ask(form({ password: PASSWORD, to: "/cart?a=1&b=%2F" }));
  assert.equal(entered.status, 303);
  assert.equal(fieldOf(entered.head, "Location"), "/cart?a=1&b=%2F");
  const cookie = fieldOf(entered.head, "Set-Cookie") ?? "";
  assert.match(
    cookie,
    /^unkey-access=e\d+\.[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Lax$/,
  );
  const [pair = ""] = cookie.split(";");
  const head = await passes(edge.port, app, request("/cart", [`Cookie: theme=dark; ${pair}; a=b`]));
  assert.match(head, /\r\nCookie: theme=dark; a=b\r\n/);
  assert.doesNotMatch(head, /unkey-access/);
  assert.doesNotMatch(await passes(edge.port, app, request("/", [`Cookie: ${pair}`])), /Cookie/);
  edge.pass(604_800_000);
  assert.equal((await edge.ask(request("/", [`Cookie: ${pair}`]))).status, 401);
});

Deno.test("a link sets the cookie and leads to the same address without its token, again and again", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  for (const method of ["GET", "HEAD", "POST"]) {
    const answer = await edge.ask(request(`/a?x=1&unkey_share=${TOKEN}&y=2`, ["Content-Length: 0"], method));
    assert.equal(answer.status, 307);
    assert.equal(fieldOf(answer.head, "Location"), "/a?x=1&y=2");
    assert.match(fieldOf(answer.head, "Set-Cookie") ?? "", /Max-Age=3600;/);
    assert.equal(fieldOf(answer.head, "Referrer-Policy"), "no-referrer");
  }
  const { head } = await edge.ask(request(`/?unkey_share=${TOKEN}`));
  assert.equal(fieldOf(head, "Location"), "/");
  const [pair = ""] = (fieldOf(head, "Set-Cookie") ?? "").split(";");
  await passes(edge.port, app, request("/", [`Cookie: ${pair}`]));
  // With a proof of its own, a browser that comes by an old link only loses the token.
  const old = makeLinkToken(KEY, SCOPE, NOW_MS / 1_000 - 1);
  const known = await edge.ask(request(`/b?unkey_share=${old}`, [`Cookie: ${pair}`]));
  assert.deepEqual([known.status, fieldOf(known.head, "Location")], [307, "/b"]);
  assert.equal(fieldOf(known.head, "Set-Cookie"), undefined);
  const ended = await edge.ask(request(`/b?unkey_share=${old}`, ["Accept: text/html"]));
  assert.equal(ended.status, 401);
  assert.match(ended.body, /role="alert"[^>]*>The link has ended/);
});

Deno.test("programs send the token or the password in the head, and the app gets neither", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  const byToken = await passes(
    edge.port,
    app,
    request("/", [`X-Unkey-Share: ${TOKEN}`, basic("the app's own")]),
  );
  assert.doesNotMatch(byToken, /share/i);
  assert.match(byToken, /\r\nAuthorization: Basic /);
  for (let calls = 0; calls < 30; calls++) {
    assert.doesNotMatch(
      await passes(edge.port, app, request("/", [basic(PASSWORD)], "PUT")),
      /Authorization/,
    );
  }
  // One question for all of them; the app's own password was none.
  assert.deepEqual(edge.asked, [PASSWORD]);
});

Deno.test("a refusal is kept by no cache, found by no search, and says to programs what they have to send", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  const page = await edge.ask(request("/", ["Accept: text/html,*/*"]));
  assert.equal(fieldOf(page.head, "Cache-Control"), "private, no-store");
  assert.equal(fieldOf(page.head, "X-Robots-Tag"), "noindex, nofollow");
  assert.match(
    fieldOf(page.head, "Content-Security-Policy") ?? "",
    /^default-src 'none'; style-src 'sha256-/,
  );
  assert.doesNotMatch(fieldOf(page.head, "WWW-Authenticate") ?? "", /Basic/i);
  assert.doesNotMatch(page.body, /<script|https?:/);
  const json = await edge.ask(request("/", ["Accept: */*"]));
  assert.equal(json.status, 401);
  const { error } = JSON.parse(json.body);
  assert.equal(error.code, "protected");
  assert.match(error.detail, /HTTP Basic.*x-unkey-share/);
});

Deno.test("the edge's own paths and other hosts need no proof", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  assert.equal((await edge.ask(request("/_unkey/internal/health"))).status, 200);
  await passes(edge.port, app, `GET / HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n\r\n`);
});

Deno.test("a protection holds at once for a route that waits for instances", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app);
  const route = {
    routeId: OPEN_HOST,
    hostname: OPEN_HOST,
    deploymentId: "d_next",
    environmentId: "env_1",
    workspaceId: "ws_1",
    stopped: false,
    redirectHostname: "",
    protection: { key: KEY },
  };
  edge.edge.table.apply({ kind: "apply_route", route }, 0);
  assert.ok(edge.edge.table.hasWaiting);
  const { status } = await edge.ask(`GET / HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n\r\n`);
  assert.equal(status, 401);
});

Deno.test("a password that is tried too often is not looked at for a while, from one address", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app, { trusts: (address) => address === "127.0.0.1" });
  const from = (client: string, password: string) =>
    edge.ask(form({ password, to: "/" }, [`X-Forwarded-For: 10.9.9.9, ${client}`]));
  for (let guess = 0; guess < 10; guess++) {
    assert.equal((await from("203.0.113.7", `guess ${guess}`)).status, 401);
  }
  const late = await from("203.0.113.7", PASSWORD);
  assert.equal(late.status, 429);
  assert.equal(fieldOf(late.head, "Retry-After"), "10");
  assert.equal((await from("203.0.113.8", PASSWORD)).status, 303);
  edge.pass(10_000);
  assert.equal((await from("203.0.113.7", "guess 10")).status, 401);
  assert.equal(edge.asked.length, 12);
});

Deno.test("without the control plane no password is right, and proofs go on", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app, {
    check: () => Promise.reject(new Error("the control plane is away")),
  });
  const answer = await edge.ask(form({ password: PASSWORD, to: "/" }));
  assert.equal(answer.status, 503);
  assert.match(answer.body, /cannot be checked at the moment/);
  await passes(edge.port, app, request("/", [`X-Unkey-Share: ${TOKEN}`]));
});

Deno.test("over HTTPS behind a balancer the cookie is kept from all other hosts", async () => {
  using app = new App();
  await using edge = await startProtectedEdge(app, { trusts: () => true });
  const secure = ["X-Forwarded-Proto: https"];
  const { head } = await edge.ask(form({ password: PASSWORD, to: "/" }, secure));
  const cookie = fieldOf(head, "Set-Cookie") ?? "";
  assert.match(cookie, /^__Host-unkey-access=.*; Path=\/; .*HttpOnly; SameSite=Lax; Secure$/);
  const [pair = ""] = cookie.split(";");
  await passes(edge.port, app, request("/", [...secure, `Cookie: ${pair}`]));
  const plain = pair.replace("__Host-", "");
  assert.equal((await edge.ask(request("/", [...secure, `Cookie: ${plain}`]))).status, 401);
});

Deno.test("a form over HTTP/2 sets the cookie of HTTPS, and the app gets the next stream without it", async () => {
  using app = new App();
  const { tls } = await testTls();
  await using edge = await startProtectedEdge(app, { tls });
  const { wire, http2 } = await connectHttp2(edge.securePort);
  using _ = wire;
  const fields = (method: string, path: string, ...more: (readonly [string, string])[]) =>
    block([":method", method], [":scheme", "https"], [":path", path], [":authority", HOST], ...more);
  const body = Buffer.from(new URLSearchParams({ password: PASSWORD, to: "/a" }).toString());
  const type = ["content-type", "application/x-www-form-urlencoded"] as const;
  await http2.begin(frame(FRAME.headers, FLAG.endHeaders, 1, fields("POST", "/_unkey/access", type)));
  await wire.send(frame(FRAME.data, FLAG.endStream, 1, body));
  const answer = await http2.fields();
  assert.equal(answer.fields[":status"], "303");
  const [pair = ""] = (answer.fields["set-cookie"] ?? "").split(";");
  assert.match(pair, /^__Host-unkey-access=/);
  const whole = FLAG.endHeaders | FLAG.endStream;
  await wire.send(frame(FRAME.headers, whole, 3, fields("GET", "/a", ["cookie", "x=1"], ["cookie", pair])));
  const { head } = await app.request();
  assert.match(head, /\r\ncookie: x=1\r\n/);
  assert.doesNotMatch(head, /unkey-access/);
});

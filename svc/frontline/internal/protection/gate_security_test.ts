/** Requests without a proof, as attackers send them: none of them reaches the app. */
import assert from "node:assert/strict";
import { makeCookie, makeLinkToken } from "../../../../pkg/access_proof/mod.ts";
import { Wire } from "../../../../pkg/proxy/testing_wire.ts";
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
  type ProtectedEdge,
  readAnswer,
  request,
  SCOPE,
  startProtectedEdge,
} from "./testing.ts";

/** An app that answers everything, and counts the requests. */
class OpenApp implements AsyncDisposable {
  readonly heads: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
      this.heads.push(`${request.method} ${request.url}`);
      return new Response("the app's own page");
    });
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const COOKIE = makeCookie(KEY, { hostname: HOST, scope: SCOPE }, ENDS);
const TOKEN = makeLinkToken(KEY, SCOPE, ENDS);
const OTHER_KEY = new Uint8Array(32).fill(9);
const cookie = (value: string, name = "unkey-access"): string => request("/", [`Cookie: ${name}=${value}`]);
const token = (value: string): string => request("/", [`X-Unkey-Share: ${value}`]);

/** Requests with something like a proof. */
const FORGED: Readonly<Record<string, string>> = {
  "no proof": request("/"),
  "a cookie of another host": cookie(makeCookie(KEY, { hostname: OPEN_HOST, scope: SCOPE }, ENDS)),
  "a cookie of another environment": cookie(
    makeCookie(KEY, { hostname: HOST, scope: { kind: "environment", id: "env_2" } }, ENDS),
  ),
  "a cookie with another key": cookie(makeCookie(OTHER_KEY, { hostname: HOST, scope: SCOPE }, ENDS)),
  "a cookie that has ended": cookie(makeCookie(KEY, { hostname: HOST, scope: SCOPE }, NOW_MS / 1_000)),
  "a cookie with a later end": cookie(COOKIE.replace(/^e\d+/, `e${ENDS + 1}`)),
  "a cookie with a MAC cut short": cookie(COOKIE.slice(0, -1)),
  "a cookie without its MAC": cookie(COOKIE.slice(0, COOKIE.indexOf(".") + 1)),
  "a cookie in quotes": cookie(`"${COOKIE}"`),
  "a cookie with the name of HTTPS over HTTP": cookie(COOKIE, "__Host-unkey-access"),
  "a cookie with a name in upper case": cookie(COOKIE, "Unkey-Access"),
  "a cookie behind another one's name": cookie(`x; xunkey-access=${COOKIE}`, "a"),
  "a cookie that is the fifth of its name": cookie(
    `1; ${"unkey-access=1; ".repeat(3)}unkey-access=${COOKIE}`,
  ),
  "a link's token as cookie": cookie(TOKEN),
  "a cookie as token": token(COOKIE),
  "a token with another key": token(makeLinkToken(OTHER_KEY, SCOPE, ENDS)),
  "a token that has ended": token(makeLinkToken(KEY, SCOPE, NOW_MS / 1_000)),
  "two tokens": request("/", [`X-Unkey-Share: ${TOKEN}`, `X-Unkey-Share: ${TOKEN}`]),
  "a token under a name that variables share": request("/", [`X_Unkey_Share: ${TOKEN}`]),
  "a token in a trailer": request("/", ["Transfer-Encoding: chunked", "Trailer: X-Unkey-Share"], "POST") +
    `0\r\nX-Unkey-Share: ${TOKEN}\r\n\r\n`,
  "a token under another name in the query": request(`/?xunkey_share=${TOKEN}&unkey_sharex=${TOKEN}`),
  "a token with an escaped name": request(`/?unkey%5Fshare=${TOKEN}`),
  "a wrong token before a right one": request(`/?unkey_share=x&unkey_share=${TOKEN}`),
  "a wrong password": request("/", [basic("wrong password")]),
  "the password twice": request("/", [basic(PASSWORD), basic(PASSWORD)]),
  "the password without a user's colon": request("/", [`Authorization: Basic ${btoa(PASSWORD)}`]),
  "the password for a proxy": request("/", [basic(PASSWORD).replace("Authorization", "Proxy-Authorization")]),
  "the password with another scheme": request("/", [`Authorization: Bearer ${PASSWORD}`]),
  "a password of 64 KiB": request("/", [basic("x".repeat(16_000))]),
  "the path of the form, not posted": request("/_unkey/access"),
  "the path of the form with more behind it": request("/_unkey/access/../../admin", [], "POST"),
  "the path of the form, escaped": request("/%5funkey/access", ["Content-Length: 0"], "POST"),
  "a path below the health check's": request("/_unkey/internal/health/../../../admin"),
  "the health check with a query": request("/_unkey/internal/health?x"),
  "a path of challenges": request("/.well-known/acme-challenge/x/../../admin"),
  "a preflight": request("/", ["Origin: https://evil.test", "Access-Control-Request-Method: GET"], "OPTIONS"),
  "OPTIONS of all": request("*", [], "OPTIONS"),
  "an unknown method": request("/", [], "PURGE"),
  "a WebSocket": request("/", [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  ]),
  "an absolute target": `GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
  "an absolute target of an open host": `GET http://${HOST}/ HTTP/1.1\r\nHost: ${OPEN_HOST}\r\n\r\n`,
  "a host with a dot and upper case": `GET / HTTP/1.1\r\nHost: ${HOST.toUpperCase()}.:80\r\n\r\n`,
  "two hosts": `GET / HTTP/1.1\r\nHost: ${OPEN_HOST}\r\nHost: ${HOST}\r\n\r\n`,
  "HTTP/1.0": `GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`,
  "a deployment by its name": request("/", [`X-Deployment-Id: d_${OPEN_HOST}`]),
  "a forwarded host": request("/", [`X-Forwarded-Host: ${OPEN_HOST}`]),
  "a cookie that the connection drops": request("/", ["Connection: cookie", `Cookie: unkey-access=${TOKEN}`]),
};

async function eachRefused(edge: ProtectedEdge, t: Deno.TestContext, app: OpenApp): Promise<void> {
  for (const [name, text] of Object.entries(FORGED)) {
    await t.step(name, async () => {
      const { status, body } = await edge.ask(text);
      assert.ok(status === 401 || status === 400 || status === 415 || status === 429, String(status));
      assert.doesNotMatch(body, /the app's own page/);
      assert.deepEqual(app.heads, []);
    });
  }
}

Deno.test("no forged, ended or misplaced proof reaches the app", async (t) => {
  await using app = new OpenApp();
  await using edge = await startProtectedEdge(app);
  await eachRefused(edge, t, app);
});

Deno.test("a proof holds for its own request, and not for the next one of the connection", async () => {
  await using app = new OpenApp();
  await using edge = await startProtectedEdge(app);
  using wire = await Wire.connect(edge.port);
  await wire.send(cookie(COOKIE) + request("/second"));
  assert.equal((await readAnswer(wire)).status, 200);
  assert.equal((await readAnswer(wire)).status, 401);
  assert.equal(app.heads.length, 1);
});

Deno.test("the form leads to paths of its own host only", async (t) => {
  await using app = new OpenApp();
  await using edge = await startProtectedEdge(app);
  const cases: readonly (readonly [string, string])[] = [
    ["/a?b=/c//d", "/a?b=/c//d"],
    ["//evil.test", "/"],
    ["/\\evil.test", "/"],
    ["\\\\evil.test", "/"],
    ["https://evil.test", "/"],
    ["javascript:alert(1)", "/"],
    ["/a\r\nSet-Cookie: x=1", "/"],
    ["/\t/evil.test", "/"],
    ["", "/"],
  ];
  for (const [to, location] of cases) {
    await t.step(JSON.stringify(to), async () => {
      const { head } = await edge.ask(form({ password: PASSWORD, to }));
      assert.equal(fieldOf(head, "Location"), location);
      assert.equal(head.match(/Set-Cookie/g)?.length, 1);
    });
  }
  const link = await edge.ask(request(`//evil.test?unkey_share=${TOKEN}`));
  assert.equal(fieldOf(link.head, "Location"), "/");
  const page = await edge.ask(request('/"><script>alert(1)</script>', ["Accept: text/html"]));
  assert.doesNotMatch(page.body, /<script>/);
});

Deno.test("the form's body is bounded, and read only as a form", async () => {
  await using app = new OpenApp();
  await using edge = await startProtectedEdge(app);
  const large = await edge.ask(form({ password: "x".repeat(9_000), to: "/" }));
  assert.equal(large.status, 413);
  const chunked = request(
    "/_unkey/access",
    ["Content-Type: application/x-www-form-urlencoded", "Transfer-Encoding: chunked"],
    "POST",
  );
  assert.equal((await edge.ask(`${chunked}2400\r\n${"y".repeat(0x2400)}`)).status, 413);
  const json = await edge.ask(
    `${request("/_unkey/access", ["Content-Type: application/json", "Content-Length: 2"], "POST")}{}`,
  );
  assert.equal(json.status, 415);
  assert.equal((await edge.ask(form({ to: "/" }))).status, 401);
  assert.deepEqual([edge.asked, app.heads], [[], []]);
});

const SEED = 20_261_201;
const RUNS = 400;

/** Numbers that look random and are the same in each run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

Deno.test("no combination of parts without a proof reaches the app", async () => {
  await using app = new OpenApp();
  await using edge = await startProtectedEdge(app);
  const next = numbers(SEED);
  const pick = (from: readonly string[]): string => from[Math.floor(next() * from.length)] ?? "";
  const spoiled = (text: string): string => {
    const at = Math.floor(next() * text.length);
    return `${text.slice(0, at)}${pick(["", "A", "0", ".", "-"])}${text.slice(at + 1)}`;
  };
  for (let run = 0; run < RUNS; run++) {
    const value = pick([spoiled(COOKIE), spoiled(TOKEN), TOKEN.slice(1), "", "e1."]);
    if (value === COOKIE || value === TOKEN) continue;
    const lines = [
      `Cookie: ${pick(["unkey-access", "__Host-unkey-access", "a; unkey-access", "unkey_share"])}=${value}`,
      `X-Unkey-Share: ${value}`,
      `Authorization: ${pick(["Basic", "basic ", "Bearer"])} ${btoa(`u:${value}`)}`,
      "Connection: x-unkey-share, cookie",
      `X-Forwarded-Proto: ${pick(["http", "https"])}`,
      "Accept: text/html",
    ].filter(() => next() < 0.5);
    const target = pick(["/", "//", "/a", "/_unkey/access", "/_unkey/internal/healthz", "/?", "/%2e%2e/"]) +
      pick(["", `?unkey_share=${value}`, `?a&unkey_share=${value}&b`, `?unkey_share`]);
    const method = pick(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"]);
    const { status } = await edge.ask(request(target, lines, method));
    assert.ok(status === 401 || status === 429, `${run} of seed ${SEED}: ${status} ${method} ${target}`);
  }
  assert.deepEqual(app.heads, []);
});

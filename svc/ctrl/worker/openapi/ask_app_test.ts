import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { DOCUMENT_BYTES_MAX } from "../../../../pkg/openapi/mod.ts";
import { askApp } from "./ask_app.ts";
import type { Asked } from "./types.ts";

const DOCUMENT = JSON.stringify({ openapi: "3.1.0", paths: { "/pets": { get: {}, post: {} } } });

/** Asks an edge that answers as the test says. */
async function ask(
  answer: RequestListener,
  { limitMs = 30_000, signal = new AbortController().signal, path = "/openapi.json" } = {},
): Promise<Asked> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await askApp(
      { edgeUrl: `http://127.0.0.1:${port}`, hostname: "shop.example", path, limitMs },
      signal,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

Deno.test("an app is asked at the edge under its own name, and its document comes as it is", async () => {
  const seen: (string | undefined)[] = [];
  const asked = await ask((request, response) => {
    seen.push(request.url, request.headers.host?.replace(/:\d+$/, ""), request.headers["accept-encoding"]);
    response.end(DOCUMENT);
  }, { path: "/v1/openapi.json?full=1" });
  assert.ok(asked.kind === "read");
  assert.deepEqual([new TextDecoder().decode(asked.body), asked.version, asked.operations], [
    DOCUMENT,
    "3.1.0",
    2,
  ]);
  assert.deepEqual(seen, ["/v1/openapi.json?full=1", "shop.example", "identity"]);
});

Deno.test("answers that are no document have a reason, and those that may pass are asked for again", async (t) => {
  const status = (code: number, headers = {}): RequestListener => (_request, response) =>
    void response.writeHead(code, headers).end("{}");
  const cases: readonly (readonly [string, RequestListener, Asked["kind"], RegExp])[] = [
    ["not found", status(404), "none", /"\/openapi\.json" is answered with 404/],
    ["a login", status(401), "none", /answered with 401/],
    ["an edge without an instance", status(502), "later", /answered with 502/],
    ["an app that is busy", status(429), "later", /answered with 429/],
    ["a redirect elsewhere", status(302, { location: "http://169.254.169.254/" }), "none", /not followed/],
    ["a redirect that repeats", status(308, { location: "/openapi.json" }), "none", /not followed/],
    ["no document", status(200), "none", /only OpenAPI 3/],
    [
      "a connection that breaks off",
      (_request, response) => {
        response.writeHead(200, { "content-length": "1000" });
        response.write("{");
        setImmediate(() => response.destroy());
      },
      "later",
      /no whole answer/,
    ],
    [
      "more than a document may have",
      (_request, response) => {
        const part = "x".repeat(64 * 1024);
        for (let bytes = 0; bytes <= DOCUMENT_BYTES_MAX; bytes += part.length) response.write(part);
        response.end();
      },
      "none",
      /more than 1024 KiB/,
    ],
  ];
  for (const [name, answer, kind, problem] of cases) {
    await t.step(name, async () => {
      const asked = await ask(answer);
      assert.equal(asked.kind, kind);
      assert.match(asked.kind === "read" ? "" : asked.problem, problem);
    });
  }
});

Deno.test("an app that never ends its answer is left after the limit", async () => {
  const asked = await ask((_request, response) => void response.write("{"), { limitMs: 200 });
  assert.deepEqual(asked, { kind: "later", problem: "the app gave no whole answer within 0.2 s." });
});

Deno.test("an edge that is not there is asked for again, and a stop is no answer", async () => {
  const nowhere = { edgeUrl: "http://127.0.0.1:1", hostname: "shop.example", path: "/", limitMs: 5_000 };
  assert.equal((await askApp(nowhere, new AbortController().signal)).kind, "later");
  await assert.rejects(askApp(nowhere, AbortSignal.abort(new Error("stop"))), /stop/);
});

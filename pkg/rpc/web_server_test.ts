import assert from "node:assert/strict";
import { silentLogger } from "../logger/mod.ts";
import { serveWeb, type WebServer } from "./mod.ts";

async function serving(
  answer: (request: Request) => Promise<Response>,
  test: (url: string, server: WebServer) => Promise<void>,
): Promise<void> {
  const options = { hostname: "127.0.0.1", port: 0, portSetting: "--port", log: silentLogger(), answer };
  const server = await serveWeb(options);
  try {
    await test(`http://127.0.0.1:${server.port}`, server);
  } finally {
    await server.cut();
  }
}

/** Restate sends the next part of a run only when it has the answer to the one before. */
Deno.test("serveWeb() answers over HTTP/2 while the request still comes", async () => {
  using client = Deno.createHttpClient({ http1: false, http2: true });
  await serving((request) => Promise.resolve(new Response(request.body)), async (url) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const asked = fetch(url, { method: "POST", body: readable, client });
    await writer.write(new TextEncoder().encode("one"));
    const reader = (await asked).body?.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader?.read())?.value, "one");
    await writer.write(new TextEncoder().encode("two"));
    assert.equal((await reader?.read())?.value, "two");
    await writer.close();
    assert.equal((await reader?.read())?.done, true);
  });
});

Deno.test("serveWeb() ends a request whose answer fails, and serves the next", async () => {
  await serving(
    (request) =>
      request.url.endsWith("/fail")
        ? Promise.reject(new Error("boom"))
        : Promise.resolve(new Response("well")),
    async (url) => {
      await assert.rejects(fetch(`${url}/fail`));
      assert.equal(await (await fetch(url)).text(), "well");
    },
  );
});

Deno.test("cut() ends the requests that run", async () => {
  const asked = Promise.withResolvers<void>();
  const never = new Promise<Response>(() => undefined);
  await serving(() => (asked.resolve(), never), async (url, server) => {
    const call = fetch(url).then(() => "answered", () => "cut");
    await asked.promise;
    await server.cut();
    assert.equal(await call, "cut");
  });
});

Deno.test("HEAD has the head of its answer, and no body, over both versions of HTTP", async () => {
  using h2 = Deno.createHttpClient({ http1: false, http2: true });
  await serving(() => Promise.resolve(new Response("body")), async (url) => {
    for (const options of [{}, { client: h2 }]) {
      const response = await fetch(url, { method: "HEAD", ...options });
      assert.deepEqual([response.status, await response.text()], [200, ""]);
    }
  });
});

import assert from "node:assert/strict";
import { onlyJson, unkey } from "../shared/testing.ts";

function serve(answer: () => Response | Promise<Response>): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}/health/ready`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("healthcheck exits 0 on 200", async () => {
  await using app = serve(() => new Response("a body that nobody reads"));
  assert.deepEqual(await unkey(["healthcheck", app.url]), { code: 0, stdout: "ok\n", stderr: "" });
  const shown = onlyJson(await unkey(["healthcheck", app.url, "--json"]));
  assert.deepEqual(shown, { healthy: true, url: app.url, durationMs: 0, status: 200 });
});

Deno.test("healthcheck exits 1 on every other answer, and names it", async (t) => {
  for (const status of [204, 404, 503]) {
    await t.step(`an answer of ${status}`, async () => {
      await using app = serve(() => new Response(null, { status }));
      const result = await unkey(["healthcheck", `${app.url}?token=secret`]);
      assert.equal(result.code, 1);
      assert.equal(result.stderr, `error: ${app.url} answered ${status}.\n`);
      assert.equal(result.stdout, "");
    });
  }
  await t.step("nobody there", async () => {
    const gone = serve(() => new Response());
    await gone[Symbol.asyncDispose]();
    const result = await unkey(["healthcheck", gone.url, "--json"]);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /cannot be reached: .*refused/i);
    assert.match(JSON.stringify(onlyJson(result)), /"healthy":false.*"code":"unhealthy"/);
  });
});

Deno.test("healthcheck gives up after 10 s", async () => {
  const held = Promise.withResolvers<Response>();
  await using app = serve(() => held.promise);
  const slept: number[] = [];
  const clock = {
    now: () => 0,
    sleep: (ms: number): Promise<void> => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
  const { code, stderr } = await unkey(["healthcheck", app.url], { clock });
  assert.deepEqual([code, slept], [1, [10_000]]);
  assert.match(stderr, /did not answer within 10 s/);
  held.resolve(new Response());
});

Deno.test("healthcheck of a text that is no URL is wrong usage", async () => {
  for (const args of [["localhost:8080"], ["file:///etc/passwd"], []]) {
    assert.equal((await unkey(["healthcheck", ...args])).code, 2, args.join());
  }
});

Deno.test("healthcheck stops at a signal", async () => {
  const held = Promise.withResolvers<Response>();
  const stop = new AbortController();
  await using app = serve(() => {
    stop.abort(new DOMException("Got SIGTERM", "AbortError"));
    return held.promise;
  });
  assert.equal((await unkey(["healthcheck", app.url], { signal: stop.signal })).code, 130);
  held.resolve(new Response());
});

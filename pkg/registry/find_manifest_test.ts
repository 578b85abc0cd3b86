import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { createManifestFinder, type ManifestState } from "./mod.ts";

const DIGEST = `sha256:${"b".repeat(64)}`;
const PASSWORD = { username: "robot", password: new Secret("s3cret") };
const limit = (): AbortSignal => AbortSignal.timeout(120_000);

/** The state of the workspace's image in a registry that answers like this, and the questions that it saw. */
async function find(
  answer: (request: Request) => Response | Promise<Response>,
  image = (name: string) => `${name}/ws_1/shop@${DIGEST}`,
): Promise<{ readonly state: ManifestState; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    (request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      return answer(request);
    },
  );
  const name = `127.0.0.1:${server.addr.port}/apps`;
  const finder = createManifestFinder({ registry: { name, credentials: PASSWORD }, log: silentLogger() });
  return { state: await finder(image(name), limit()), asked };
}

Deno.test("createManifestFinder() tells whether the registry has an image", async (t) => {
  const answers: readonly (readonly [number, ManifestState])[] = [
    [200, "present"],
    [404, "missing"],
    [401, "unknown"],
    [403, "unknown"],
    [429, "unknown"],
    [500, "unknown"],
  ];
  for (const [status, want] of answers) {
    await t.step(`${status} is ${want}`, async () => {
      const { state, asked } = await find(() => new Response(null, { status }));
      assert.equal(state, want);
      assert.deepEqual(asked, [`HEAD /v2/apps/ws_1/shop/manifests/${DIGEST}`]);
    });
  }
});

Deno.test("createManifestFinder() logs in where the registry wants it", async () => {
  const { state } = await find((request) => {
    const basic = `Basic ${btoa("robot:s3cret")}`;
    if (request.headers.get("authorization") === basic) return new Response(null);
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="apps"' } });
  });
  assert.equal(state, "present");
});

Deno.test("createManifestFinder() knows nothing about images of other registries, and asks for none of them", async () => {
  const { state, asked } = await find(() => new Response(null), () => `registry.example/shop@${DIGEST}`);
  assert.deepEqual({ state, asked }, { state: "unknown", asked: [] });
});

/** A deploy waits for the answer: a registry that is gone must cost a build, and neither the deploy nor more than seconds. */
Deno.test("createManifestFinder() knows nothing about a registry that is gone", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    () => new Response(),
  );
  const name = `127.0.0.1:${server.addr.port}`;
  await server.shutdown();
  const finder = createManifestFinder({ registry: { name }, log: silentLogger() });
  assert.equal(await finder(`${name}/ws_1/shop@${DIGEST}`, limit()), "unknown");
});

Deno.test("createManifestFinder() ends with its caller", async () => {
  const stop = new AbortController();
  const finder = createManifestFinder({ registry: { name: "127.0.0.1:1" }, log: silentLogger() });
  stop.abort(new Error("stopped"));
  await assert.rejects(finder(`127.0.0.1:1/ws_1/shop@${DIGEST}`, stop.signal), /stopped/);
});

/** A registry whose name means another machine where this process runs, e.g. `localhost:5000` in a container. */
import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { sha256Hex } from "../hash/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { createConfigReader, createDigestResolver, createManifestFinder, probePush } from "./mod.ts";

const CONFIG = JSON.stringify({ config: { ExposedPorts: { "3000/tcp": {} } } });
const CONFIG_DIGEST = `sha256:${sha256Hex(CONFIG)}`;
const DIGEST = `sha256:${"d".repeat(64)}`;
const NAME = "elsewhere.invalid:5000";
const IMAGE = `${NAME}/apps/ws_1/shop`;
const log = silentLogger();
const limit = (): AbortSignal => AbortSignal.timeout(60_000);

/** Has the image, for its user alone, and keeps the paths that were asked for. */
function serveRegistry() {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => undefined }, (request) => {
    const { pathname } = new URL(request.url);
    if (request.headers.get("authorization") !== `Basic ${btoa("robot:s3cret")}`) {
      return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="apps"' } });
    }
    asked.push(pathname);
    if (request.method === "POST") return new Response(null, { status: 202 });
    if (pathname.includes("/blobs/")) return new Response(CONFIG);
    const body = JSON.stringify({ config: { digest: CONFIG_DIGEST } });
    return new Response(body, { headers: { "docker-content-digest": DIGEST } });
  });
  const credentials = { username: "robot", password: new Secret("s3cret") };
  const registry = { name: `${NAME}/apps`, credentials, address: `127.0.0.1:${server.addr.port}` };
  return { asked, registry, [Symbol.asyncDispose]: () => server.shutdown() };
}

Deno.test("a registry with an address of its own is asked there, with its credentials, by every question", async () => {
  await using served = serveRegistry();
  const { registry } = served;
  const resolve = createDigestResolver({ registry, trustedHosts: [], log });
  assert.equal(await resolve(`${IMAGE}:1`, limit()), DIGEST);
  assert.equal(await createManifestFinder({ registry, log })(`${IMAGE}@${DIGEST}`, limit()), "present");
  const read = createConfigReader({ registry, trustedHosts: [], log });
  assert.deepEqual((await read(`${IMAGE}@${DIGEST}`, limit()))?.exposedPorts, [3000]);
  assert.deepEqual(await probePush(registry, limit()), { kind: "allowed" });
  assert.deepEqual(served.asked, [
    "/v2/apps/ws_1/shop/manifests/1",
    `/v2/apps/ws_1/shop/manifests/${DIGEST}`,
    `/v2/apps/ws_1/shop/manifests/${DIGEST}`,
    `/v2/apps/ws_1/shop/blobs/${CONFIG_DIGEST}`,
    "/v2/apps/unkey-preflight/blobs/uploads/",
  ]);
});

Deno.test("the address of a registry is not asked for images of other hosts", async () => {
  await using served = serveRegistry();
  const { registry } = served;
  const resolve = createDigestResolver({ registry, trustedHosts: [], log });
  assert.equal(await resolve("other.invalid/shop:1", limit()), undefined);
  assert.equal(
    await createManifestFinder({ registry, log })(`other.invalid/shop@${DIGEST}`, limit()),
    "unknown",
  );
  assert.deepEqual(served.asked, []);
});

import assert from "node:assert/strict";
import { Secret } from "../config/mod.ts";
import { hasRegistry, REGISTRY_USER, TestRegistry } from "../testkit/registry.ts";
import { freePort } from "../testkit/ports.ts";
import { probePush } from "./mod.ts";

const { signal } = new AbortController();

async function filesBelow(folder: string): Promise<readonly string[]> {
  const found = await Array.fromAsync(Deno.readDir(folder));
  const deeper = found.map(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`) : Promise.resolve([name])
  );
  return (await Promise.all(deeper)).flat();
}

Deno.test({
  name: "probePush() shows the right to push to a registry, and leaves no upload behind",
  ignore: !hasRegistry(),
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "unkey-push-" });
    await using registry = await TestRegistry.start({ credentials: true, folder });
    try {
      await t.step("a user who may", async () => {
        const right = await probePush({ name: `${registry.name}/apps`, credentials: REGISTRY_USER }, signal);
        assert.deepEqual(right, { kind: "allowed" });
        // Without its content; Debian's registry leaves a hash of no bytes behind, which it purges by itself.
        assert.deepEqual((await filesBelow(folder)).filter((name) => /data|startedat/.test(name)), []);
      });
      await t.step("no user", async () => {
        assert.deepEqual(await probePush({ name: registry.name }, signal), { kind: "unauthorized" });
      });
      await t.step("a wrong password", async () => {
        const credentials = { ...REGISTRY_USER, password: new Secret("wrong") };
        const right = await probePush({ name: registry.name, credentials }, signal);
        assert.deepEqual(right, { kind: "refused", status: 401 });
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("probePush() gives up an upload at the path that the registry names, and none of another place", async (t) => {
  const cases: readonly (readonly [location: string | undefined, deleted: string | undefined])[] = [
    ["/v2/apps/unkey-preflight/blobs/uploads/1?state=a", "/v2/apps/unkey-preflight/blobs/uploads/1?state=a"],
    ["https://elsewhere.example.com/up/1", undefined],
    [undefined, undefined],
  ];
  for (const [location, deleted] of cases) {
    await t.step(String(location), async () => {
      let gone: string | undefined;
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
        ({ method, url }) => {
          if (method === "DELETE") gone = url.slice(new URL(url).origin.length);
          const headers = new Headers(location === undefined ? [] : [["location", location]]);
          return new Response(null, { status: method === "POST" ? 202 : 204, headers });
        },
      );
      const name = `127.0.0.1:${server.addr.port}/apps`;
      assert.deepEqual(await probePush({ name }, signal), { kind: "allowed" });
      assert.equal(gone, deleted);
    });
  }
});

Deno.test("probePush() rejects when no registry answers", async () => {
  await assert.rejects(probePush({ name: `127.0.0.1:${freePort()}` }, signal));
});

import assert from "node:assert/strict";
import { isPublicRegistry } from "./mod.ts";

const DIGEST = `sha256:${"b".repeat(64)}`;

function check(image: string, trusted: readonly string[] = []): Promise<boolean> {
  return isPublicRegistry(image, { trusted, signal: AbortSignal.timeout(60_000) });
}

/** Users name the registry, and machines of the platform ask it. */
Deno.test("isPublicRegistry() refuses addresses, and names of machines and private networks", async () => {
  for (
    const host of [
      "localhost",
      "LOCALHOST:5000",
      "127.0.0.1:5000",
      "8.8.8.8",
      "2130706433:80",
      "0x7f.1",
      "127.1:443",
      "registry:5000",
      "Registry",
      "registry.default.svc",
      "metadata.google.internal",
      "printer.local:80",
      "app.localhost",
    ]
  ) {
    for (const image of [`${host}/team/app:1`, `${host}/app@${DIGEST}`]) {
      assert.equal(await check(image), false, image);
    }
  }
});

Deno.test("isPublicRegistry() allows Docker Hub, public names, and registries that the operator trusts", async () => {
  for (const image of ["nginx", "team/app:1", "docker.io/nginx:1.29", "registry.invalid/app:1"]) {
    assert.equal(await check(image), true, image);
  }
  assert.equal(await check("R.Internal:443/app", ["r.internal"]), true);
  assert.equal(await check("localhost:5000/app", ["localhost:5000"]), true);
  assert.equal(await check("localhost:5001/app", ["localhost:5000"]), false);
});

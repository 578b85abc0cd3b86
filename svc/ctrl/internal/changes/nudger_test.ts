import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { leaseApiProcess } from "../store/mod.ts";
import { openTestDatabase } from "../store/testing.ts";
import { createNudger } from "./mod.ts";

Deno.test("a nudge reaches every other process with a lease, also beside a dead one", async () => {
  const log = silentLogger();
  const db = await openTestDatabase();
  const got: { path: string; authorization: string | null; regions: unknown }[] = [];
  const enough = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { regions } = await request.json();
    got.push({
      path: new URL(request.url).pathname,
      authorization: request.headers.get("authorization"),
      regions,
    });
    if (got.length === 4) enough.resolve();
    return new Response(null, { status: 204 });
  });
  try {
    const base = `http://127.0.0.1:${server.addr.port}`;
    const clock = systemClock();
    const lease = (id: string, nudgeUrl: string, inMs: number) =>
      leaseApiProcess(db.kysely, { id, nudgeUrl, leaseExpiresAtMs: clock.now() + inMs });
    await lease("a", `${base}/a`, 60_000);
    await lease("b", `${base}/b`, 60_000);
    await lease("own", `${base}/own`, 60_000);
    await lease("expired", `${base}/expired`, -1);
    await lease("dead", "http://127.0.0.1:1/dead", 60_000);

    const local: string[] = [];
    const nudger = createNudger({
      db,
      clock,
      log,
      token: new Secret("service"),
      local: { changed: (regions) => local.push(...regions) },
      ownUrl: `${base}/own`,
    });
    nudger.changed(["*"]);
    nudger.changed(["local", "*"]);
    assert.deepEqual(local, ["*", "local", "*"], "this process is notified at once");
    await nudger.close();
    nudger.changed(["far"]);
    await enough.promise;
    await nudger.close();
    got.sort((a, b) => a.path < b.path ? -1 : 1);
    assert.deepEqual(got.map(({ path, regions }) => [path, regions]), [
      ["/a", ["*", "local"]],
      ["/a", ["far"]],
      ["/b", ["*", "local"]],
      ["/b", ["far"]],
    ]);
    assert.ok(got.every((each) => each.authorization === "Bearer service"));
  } finally {
    await server.shutdown();
    await db.close();
  }
});

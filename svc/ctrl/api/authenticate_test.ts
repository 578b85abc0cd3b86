import assert from "node:assert/strict";
import type { Clock } from "../../../pkg/clock/mod.ts";
import { Secret } from "../../../pkg/config/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import { newId, newSecretToken } from "../../../pkg/uid/mod.ts";
import { credentialHash } from "../internal/auth/hash.ts";
import { NOW_MS } from "../internal/store/testing.ts";
import { createRegionToken } from "../internal/store/mod.ts";
import { openTestDatabase } from "../internal/store/testing.ts";
import { DashboardSite } from "../internal/auth/site.ts";
import { createCredentials } from "./authenticate.ts";

/** More than fit into one query. */
const AGENTS = 2_400;
const AGENTS_PER_QUERY = 2_000;

Deno.test("cached credentials are checked again every few seconds, all those in use with one query", async () => {
  const db = await openTestDatabase();
  try {
    let nowMs = NOW_MS;
    const clock: Clock = { now: () => nowMs, sleep: () => Promise.resolve() };
    const tokens = Array.from({ length: AGENTS }, () => newSecretToken("region"));
    for (const [n, token] of tokens.entries()) {
      const hash = credentialHash(token);
      await createRegionToken(db.kysely, {
        id: newId("regionToken", 1),
        region: `r${n}`,
        hash,
        networks: [],
        nowMs: 1,
      });
    }
    let queries = 0;
    const counting = db.kysely.withPlugin({
      transformQuery: ({ node }) => (queries++, node),
      transformResult: ({ result }) => Promise.resolve(result),
    });
    const { authenticate, lookAgain } = createCredentials({
      site: new DashboardSite(() => "http://dashboard.localhost:7091"),
      db: counting,
      clock,
      isProxy: () => false,
      serviceToken: new Secret("service"),
    });
    const use = async (token: string): Promise<string> => {
      const principal = await authenticate(new Headers({ authorization: `Bearer ${token}` }));
      return principal.kind === "region" ? principal.region : principal.kind;
    };
    for (const [n, token] of tokens.entries()) assert.equal(await use(token), `r${n}`);
    assert.equal(queries, AGENTS, "one query for the first use of each");

    queries = 0;
    for (let passedMs = 0; passedMs < 10_000; passedMs += 10) {
      nowMs += 10;
      const n = passedMs / 10;
      assert.equal(await use(tokens[n] ?? ""), `r${n}`);
    }
    assert.ok(queries <= 4 * Math.ceil(AGENTS / AGENTS_PER_QUERY), `${queries} queries in ten seconds`);

    queries = 0;
    nowMs += 3_000;
    assert.equal((await lookAgain(tokens)).size, AGENTS);
    assert.equal(queries, Math.ceil(AGENTS / AGENTS_PER_QUERY), "open streams are checked together");
    await use(tokens[0] ?? "");
    assert.equal(queries, Math.ceil(AGENTS / AGENTS_PER_QUERY), "their answers are cached");

    const [revoked = "", other = ""] = tokens;
    await db.kysely.updateTable("region_tokens").set({ revoked_at: 1 })
      .where("hash", "=", credentialHash(revoked)).execute();
    nowMs += 3_000;
    const now = await lookAgain([revoked, other]);
    assert.deepEqual([now.get(revoked), now.get(other)], [undefined, {
      kind: "region",
      region: "r1",
      networks: [],
    }]);
    assert.equal(await use(other), "r1");
    await assert.rejects(use(revoked), (error) => isFault(error, "unauthenticated"));
    await assert.rejects(use("region_unknown"), (error) => isFault(error, "unauthenticated"));
    await assert.rejects(use("nonsense"), (error) => isFault(error, "unauthenticated"));
    assert.equal(await use("service"), "service");
  } finally {
    await db.close();
  }
});

import assert from "node:assert/strict";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { createVault, parseMasterKeys } from "../../../../pkg/vault/mod.ts";
import type { FeedEvent } from "../../internal/changes/mod.ts";
import { sealCertificateKey } from "../../internal/certificates/mod.ts";
import { type CertificatesTable, dataKeyStore } from "../../internal/store/mod.ts";
import { openTestDatabase } from "../../internal/store/testing.ts";
import { CERTIFICATE_ROWS } from "../../internal/store/testing_rows_certificates.ts";
import { createRouteFeed, type RouteEntry } from "./route_feed.ts";
import { EDGE_VIEW, sentinelView } from "./view.ts";

const MASTER_KEY = "bWFzdGVyLW1hc3Rlci1tYXN0ZXItbWFzdGVyLW1hc3Q=";
const OWN = "env_own";

const APPLY: RouteEntry = {
  environmentId: undefined,
  message: {
    case: "applyCertificate",
    value: {
      certificateId: "c1",
      hostname: "a.test",
      certificateChainPem: "chain",
      privateKeyPem: "key of another tenant",
      notAfterMs: 1n,
    },
  },
};
const GONE: RouteEntry = {
  environmentId: undefined,
  message: { case: "deleteCertificate", value: { certificateId: "c1" } },
};
const ROUTE: RouteEntry = {
  environmentId: OWN,
  message: { case: "applyRoute", value: { routeId: "r1", hostname: "a.test", environmentId: OWN } },
};

function item(message: RouteEntry, version: number, resourceType: "certificate" | "route" = "certificate") {
  const resourceId = resourceType === "route" ? "r1" : "c1";
  return { kind: "item", version, resourceType, resourceId, message } as const;
}

/** A sentinel runs beside the code of one tenant; a key in its hands is a key in theirs. */
Deno.test("a sentinel sees nothing of certificates, an edge all of it", async (t) => {
  const problem = {
    kind: "problem",
    version: 4,
    resourceType: "certificate",
    resourceId: "c1",
    text: "cannot be read",
  } as const;
  const cases: readonly (readonly [string, FeedEvent<RouteEntry>])[] = [
    ["in the snapshot", item(APPLY, 0)],
    ["a change", item(APPLY, 2)],
    ["a removal", item(GONE, 3)],
    ["a problem", problem],
  ];
  for (const [name, event] of cases) {
    await t.step(name, () => {
      const view = sentinelView({ environmentId: OWN, region: "local.dev" });
      view.show(item(APPLY, 0));
      assert.equal(view.show(event), undefined);
      assert.equal(EDGE_VIEW.show(event)?.version, BigInt(event.version));
    });
  }
});

Deno.test("the end of a sentinel's snapshot counts its own resources, without certificates", () => {
  const view = sentinelView({ environmentId: OWN, region: "local.dev" });
  view.show(item(APPLY, 0));
  assert.equal(view.show(item(ROUTE, 0, "route"))?.state?.case, "applyRoute");
  const end = { kind: "snapshot_end", version: 9, resources: 2 } as const;
  assert.deepEqual(view.show(end)?.state, { case: "snapshotEnd", value: { resources: 1 } });
  assert.deepEqual(EDGE_VIEW.show(end)?.state, { case: "snapshotEnd", value: { resources: 2 } });
});

/** The feed's kind of certificates over a database with these rows. */
async function bed(rows: readonly Partial<CertificatesTable>[]) {
  const db = await openTestDatabase();
  const clock = systemClock();
  const masterKeys = parseMasterKeys(new Secret(MASTER_KEY));
  const vault = createVault({ masterKeys, store: dataKeyStore(db.kysely), clock });
  const owner = { workspaceId: "w", hostname: "a.test" };
  const sealed = await sealCertificateKey(vault, owner, new Secret("the key"));
  for (const row of rows) {
    await db.kysely.insertInto("certificates").values({
      ...CERTIFICATE_ROWS.certificates,
      encrypted_private_key: sealed,
      hostname: "a.test",
      ...row,
    }).execute();
  }
  const kind = createRouteFeed(vault).kinds.find(({ resourceType }) => resourceType === "certificate");
  assert.ok(kind !== undefined);
  return { db, kind, [Symbol.asyncDispose]: () => db.close() };
}

Deno.test("an edge gets a certificate with its key, and hears of one that is gone by its id", async () => {
  await using world = await bed([{ id: "c1", not_after: 77 }]);
  const { db, kind } = world;
  const loaded = await kind.load(db.kysely, "*", ["c1", "c2"]);
  assert.deepEqual([...loaded.keys()], ["c1"], "what is gone is missing");
  assert.deepEqual(await loaded.get("c1")?.(), {
    environmentId: undefined,
    message: {
      case: "applyCertificate",
      value: {
        certificateId: "c1",
        hostname: "a.test",
        certificateChainPem: CERTIFICATE_ROWS.certificates.chain,
        privateKeyPem: "the key",
        notAfterMs: 77n,
      },
    },
  });
  assert.deepEqual(kind.gone("c2"), {
    environmentId: undefined,
    message: { case: "deleteCertificate", value: { certificateId: "c2" } },
  });
});

/** Otherwise a writer of rows could serve one tenant's name with the key of another. */
Deno.test("a key that was copied to another row is not opened, and the other certificates come", async () => {
  await using world = await bed([
    { id: "c1" },
    { id: "c2", hostname: "b.test" },
    { id: "c3", hostname: "c.test", workspace_id: "w2" },
  ]);
  const opened: Record<string, boolean> = {};
  for await (const { resourceId, version, row } of world.kind.snapshot(world.db.kysely, "*")) {
    assert.equal(version, 0);
    opened[resourceId] = await Promise.resolve().then(row).then(() => true, () => false);
  }
  assert.deepEqual(opened, { c1: true, c2: false, c3: false });
});

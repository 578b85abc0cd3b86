import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import { NOW_MS, type Seed, seedDeployment, seedProject, testOnCtrlDatabases } from "./testing.ts";
import { CERTIFICATE_ROWS } from "./testing_rows_certificates.ts";
import { DOMAIN_ROWS } from "./testing_rows_domains.ts";
import {
  announceHostnames,
  assignRoutes,
  certificateNamesSince,
  countCustomDomains,
  type CtrlDatabase,
  type CustomDomainsTable,
  EDGE_REGION,
  endDomain,
  findCustomDomain,
  findHeldHostname,
  holdHostname,
  insertCustomDomain,
  listDomainViews,
  listDueDomains,
  listRedirectsTo,
  listRoutes,
  listVerifiedHostnames,
  lockHeldHostname,
  removeDomainsOfEnvironment,
  updateCustomDomain,
} from "./mod.ts";

const testOnDatabase = testOnCtrlDatabases();

/** The tests of a server share its tables. */
function test(name: string, run: (db: CtrlDatabase) => Promise<void>): void {
  testOnDatabase(name, async (db) => {
    const tables = [
      "custom_domains",
      "held_hostnames",
      "certificate_orders",
      "certificates",
      "acme_orders",
    ] as const;
    for (const table of tables) await db.kysely.deleteFrom(table).execute();
    await run(db);
  });
}

async function insert(
  db: CtrlDatabase,
  seed: Seed,
  hostname: string,
  changes: Partial<CustomDomainsTable> = {},
): Promise<CustomDomainsTable> {
  const row: CustomDomainsTable = {
    ...DOMAIN_ROWS.custom_domains,
    id: newId("domain", NOW_MS),
    workspace_id: seed.workspaceId,
    project_id: seed.projectId,
    environment_id: seed.productionId,
    hostname,
    redirect_to: "",
    ...changes,
  };
  await transact(db, (tx) => insertCustomDomain(tx, row));
  return row;
}

/** Routes a name to a new deployment, and returns the id of the route. */
async function route(db: CtrlDatabase, seed: Seed, hostname: string): Promise<string> {
  const { id } = await seedDeployment(db, seed);
  await transact(db, (tx) =>
    assignRoutes(tx, {
      routes: [{ hostname, sticky: "custom" }],
      deploymentId: id,
      environmentId: seed.productionId,
      projectId: seed.projectId,
      workspaceId: seed.workspaceId,
      nowMs: NOW_MS,
    }));
  const query = db.kysely.selectFrom("frontline_routes").select("id").where("hostname", "=", hostname);
  return (await query.executeTakeFirstOrThrow()).id;
}

async function changesOf(db: CtrlDatabase, id: string): Promise<number> {
  const rows = await db.kysely.selectFrom("state_changes").select("version").where("region", "=", EDGE_REGION)
    .where("resource_type", "=", "route").where("resource_id", "=", id).execute();
  return rows.length;
}

test("a workspace has a name once, and another workspace may want it too", async (db) => {
  const [first, second] = [await seedProject(db), await seedProject(db)];
  const { id } = await insert(db, first, "shop.example.com");
  await insert(db, second, "shop.example.com");
  await assert.rejects(
    insert(db, first, "shop.example.com"),
    (error) => isFault(error, "already_exists"),
  );
  const { workspaceId } = first;
  assert.equal((await findCustomDomain(db.kysely, { workspaceId, hostname: "shop.example.com" }))?.id, id);
  assert.equal(await findCustomDomain(db.kysely, { workspaceId, hostname: "www.example.com" }), undefined);
  assert.equal(await countCustomDomains(db.kysely, workspaceId), 1);
});

test("only verified names of an environment are its live deployment's", async (db) => {
  const seed = await seedProject(db);
  for (const status of ["pending", "verifying", "verified", "failed"] as const) {
    await insert(db, seed, `${status}.example.com`, { status });
  }
  await insert(db, seed, "other.example.com", { environment_id: seed.previewId });
  assert.deepEqual(await listVerifiedHostnames(db.kysely, seed.productionId), ["verified.example.com"]);
});

test("checks that are due come in the order of their times, without those that failed", async (db) => {
  const seed = await seedProject(db);
  const at = (hostname: string, next: number, status: CustomDomainsTable["status"] = "verifying") =>
    insert(db, seed, hostname, { next_check_at: next, status });
  const later = await at("later.example.com", 200);
  const sooner = await at("sooner.example.com", 100, "verified");
  await at("future.example.com", 300);
  await at("failed.example.com", 50, "failed");
  const due = (limit: number) => listDueDomains(db.kysely, { dueBeforeMs: 200, limit });
  assert.deepEqual(await due(10), [sooner.id, later.id]);
  assert.deepEqual(await due(1), [sooner.id]);
});

test("the holder of a name is known by its row, which is there from the first lock on", async (db) => {
  const hostname = "shop.example.com";
  const lock = () => transact(db, (tx) => lockHeldHostname(tx, hostname, NOW_MS));
  const free = { hostname, workspace_id: "", domain_id: null, updated_at: NOW_MS };
  assert.deepEqual(await lock(), free);
  assert.deepEqual(await lock(), free);
  const hold = { hostname, workspace_id: "ws_b", domain_id: "dom_b", updated_at: NOW_MS + 1 };
  await transact(db, (tx) => holdHostname(tx, hold));
  assert.deepEqual(await lock(), hold);
});

test("the end of a domain takes its route, its certificate and its hold, and nothing of another workspace", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const hostname = "shop.example.com";
  const row = await insert(db, seed, hostname);
  const foreign = await insert(db, other, hostname);
  const held = { hostname, workspace_id: seed.workspaceId, domain_id: row.id, updated_at: NOW_MS };
  await transact(db, (tx) => holdHostname(tx, held));
  const order = { ...CERTIFICATE_ROWS.certificate_orders, hostname, workspace_id: seed.workspaceId };
  await db.kysely.insertInto("certificate_orders").values(order).execute();
  const routeId = await route(db, seed, hostname);
  const statusOf = async () =>
    (await db.kysely.selectFrom("certificate_orders").select("status").executeTakeFirst())?.status;

  await transact(db, (tx) => endDomain(tx, foreign, NOW_MS));
  assert.equal((await listRoutes(db.kysely, [routeId])).length, 1);
  assert.deepEqual([await statusOf(), (await findHeldHostname(db.kysely, hostname))?.domain_id], [
    "waiting",
    row.id,
  ]);
  const before = await changesOf(db, routeId);
  await transact(db, (tx) => endDomain(tx, row, NOW_MS));
  assert.deepEqual(await listRoutes(db.kysely, [routeId]), []);
  assert.equal(await changesOf(db, routeId), before + 1, "the edges hear of it");
  assert.equal(await statusOf(), "cancelled");
  const after = await findHeldHostname(db.kysely, hostname);
  assert.deepEqual([after?.domain_id, after?.workspace_id], [null, seed.workspaceId]);
});

test("a route shows the redirect of its domain while the other name is proven in the same workspace", async (db) => {
  const [seed, other] = [await seedProject(db), await seedProject(db)];
  const www = await insert(db, seed, "www.example.com", { redirect_to: "example.com" });
  await insert(db, other, "example.com");
  const routeId = await route(db, seed, "www.example.com");
  const redirect = async () => (await listRoutes(db.kysely, [routeId]))[0]?.redirectHostname;
  assert.equal(await redirect(), "", "another workspace's name is not ours");
  const apex = await insert(db, seed, "example.com", { status: "verifying" });
  assert.equal(await redirect(), "");
  await updateCustomDomain(db.kysely, apex.id, { status: "verified", updated_at: 1 });
  assert.equal(await redirect(), "example.com");
  const { workspaceId } = seed;
  assert.deepEqual(await listRedirectsTo(db.kysely, { workspaceId, hostname: "example.com" }), [
    "www.example.com",
  ]);
  const before = await changesOf(db, routeId);
  await transact(db, (tx) => announceHostnames(tx, { workspaceId, hostnames: ["www.example.com"] }, NOW_MS));
  await transact(db, (tx) => endDomain(tx, apex, NOW_MS));
  assert.equal(await changesOf(db, routeId), before + 2, "also the end of the other name is a change");
  await updateCustomDomain(db.kysely, www.id, { redirect_to: "", updated_at: 1 });
  assert.equal(await redirect(), "");
});

test("the domains of an environment go with it, all of them and no others", async (db) => {
  const seed = await seedProject(db);
  const { id } = await insert(db, seed, "a.example.com");
  await insert(db, seed, "b.example.com", { status: "pending" });
  await insert(db, seed, "c.example.com", { environment_id: seed.previewId });
  const held = { hostname: "a.example.com", workspace_id: seed.workspaceId, domain_id: id, updated_at: 1 };
  await transact(db, (tx) => holdHostname(tx, held));
  const remove = () => transact(db, (tx) => removeDomainsOfEnvironment(tx, seed.productionId, NOW_MS));
  assert.equal(await remove(), true);
  assert.equal(await remove(), false);
  const left = await listDomainViews(db.kysely, { projectId: seed.projectId });
  assert.deepEqual(left.map(({ hostname }) => hostname), ["c.example.com"]);
  assert.equal((await findHeldHostname(db.kysely, "a.example.com"))?.domain_id, null);
});

test("a view has the environment's name and the certificate of the same workspace, by name", async (db) => {
  const seed = await seedProject(db);
  await insert(db, seed, "b.example.com");
  await insert(db, seed, "a.example.com", { environment_id: seed.previewId });
  const order = { ...CERTIFICATE_ROWS.certificate_orders, problem: "why" };
  const orders = [
    { ...order, hostname: "b.example.com", workspace_id: seed.workspaceId },
    { ...order, hostname: "a.example.com", workspace_id: "ws_other" },
  ];
  await db.kysely.insertInto("certificate_orders").values(orders).execute();
  const certificate = { hostname: "b.example.com", workspace_id: seed.workspaceId, not_after: 7 };
  await db.kysely.insertInto("certificates").values({ ...CERTIFICATE_ROWS.certificates, ...certificate })
    .execute();
  const { projectId, productionId: environmentId } = seed;
  const views = await listDomainViews(db.kysely, { projectId });
  assert.deepEqual(
    views.map(({ hostname, environment_slug: slug, order_problem: problem, not_after: end }) => [
      hostname,
      slug,
      problem,
      end,
    ]),
    [["a.example.com", "preview", null, null], ["b.example.com", "production", "why", 7]],
  );
  const names = async (filter: Partial<Parameters<typeof listDomainViews>[1]>) =>
    (await listDomainViews(db.kysely, { projectId, ...filter })).map(({ hostname }) => hostname);
  assert.deepEqual(await names({ environmentId }), ["b.example.com"]);
  assert.deepEqual(await names({ hostname: "a.example.com" }), ["a.example.com"]);
  assert.deepEqual(await names({ projectId: "proj_other" }), []);
});

test("names that had an order count once from the first, wishes count, and renewals do not", async (db) => {
  const order = (hostname: string, created_at: number, counted: 0 | 1 = 1, workspace_id = "w") => ({
    ...CERTIFICATE_ROWS.acme_orders,
    hostname,
    attempt: created_at,
    workspace_id,
    counted,
    created_at,
  });
  await db.kysely.insertInto("acme_orders").values([
    order("a.test", 30),
    order("a.test", 20),
    order("renewed.test", 40, 0),
    order("old.test", 5),
    order("other.test", 30, 1, "w2"),
  ]).execute();
  const wish = { ...CERTIFICATE_ROWS.certificate_orders, hostname: "wanted.test", created_at: 25 };
  await db.kysely.insertInto("certificate_orders").values(wish).execute();
  assert.deepEqual(await certificateNamesSince(db.kysely, "w", 10), [
    { hostname: "a.test", created_at: 20 },
    { hostname: "wanted.test", created_at: 25 },
  ]);
});

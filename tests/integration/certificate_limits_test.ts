import assert from "node:assert/strict";
import { transact } from "../../pkg/db/mod.ts";
import { hasPebble, TestPebble } from "../../pkg/testkit/pebble.ts";
import { freePort } from "../../pkg/testkit/ports.ts";
import { listOpenOrders, storeCertificate } from "../../svc/ctrl/internal/store/mod.ts";
import { CERTIFICATE_ROWS } from "../../svc/ctrl/internal/store/testing_rows_certificates.ts";
import { limitsOf } from "../../svc/ctrl/worker/certificate/limits.ts";
import { CertificateWorld, TestEdge } from "../../svc/ctrl/worker/certificate/testing.ts";
import { LimitingProxy } from "./limiting_authority.ts";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** https://letsencrypt.org/docs/rate-limits */
const PUBLISHED = {
  orders: { max: 300, windowMs: 3 * HOUR_MS },
  domain: { max: 50, windowMs: 7 * DAY_MS },
  duplicate: { max: 5, windowMs: 7 * DAY_MS },
  failures: { max: 5, windowMs: HOUR_MS },
  accounts: { max: 10, windowMs: 3 * HOUR_MS },
};
/** Attempts at a time, as of several workers. */
const AT_ONCE = 8;
/** Of the machine's own time: faster than the machine, so that the long limits are what is tested. */
const FAST = { proxy: { perSecond: 600, burst: 200 }, ours: { perSecond: 500, burst: 100 } };
/** Slower than the machine, in the relation of the published limit to ours. */
const SLOW = { proxy: { perSecond: 40, burst: 10 }, ours: { perSecond: 20, burst: 5 } };
const ROUNDS_MAX = 5_000;
/** Attempts that are due within this time run at once. */
const TOGETHER_MS = 10_000;

interface Name {
  readonly hostname: string;
  readonly workspaceId: string;
}

const many = (count: number, of: (at: number) => Name): readonly Name[] =>
  Array.from({ length: count }, (_, at) => of(at));

/** Of one workspace: more than its account may order in three hours. */
const FRESH = many(900, (at) => ({ hostname: `n${at}.fresh${at % 90}.test`, workspaceId: "ws_big" }));
/** Of the same workspace, with certificates of another authority that last for weeks. */
const PATIENT = many(200, (at) => ({ hostname: `n${at}.patient${at % 20}.test`, workspaceId: "ws_big" }));
/** More than a registered domain gets in a week. */
const CROWD = many(160, (at) => ({ hostname: `n${at}.crowd.test`, workspaceId: "ws_crowd" }));
/** Of more workspaces than one address may make accounts for. */
const TENANTS = many(
  720,
  (at) => ({ hostname: `n${at}.tenant${at % 72}.test`, workspaceId: `ws_${at % 12}` }),
);
const BROKEN_MS = 2 * HOUR_MS;
/** Their answers over HTTP are wrong for two hours. */
const BROKEN = many(20, (at) => ({ hostname: `n.broken${at}.test`, workspaceId: "ws_broken" }));
const ALL = [...FRESH, ...PATIENT, ...CROWD, ...TENANTS, ...BROKEN];

/** The same order at each run, and not that of the names. */
function shuffled<T>(all: readonly T[], seed: number): T[] {
  let state = seed;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  return all.map((each) => [next(), each] as const).sort(([one], [other]) => one - other).map(([, each]) =>
    each
  );
}

/** A certificate that another authority has issued, to be renewed now. */
async function renewLater(world: CertificateWorld, { hostname, workspaceId }: Name): Promise<void> {
  const nowMs = world.nowMs;
  const row = {
    ...CERTIFICATE_ROWS.certificates,
    id: `cert_${hostname}`,
    hostname,
    workspace_id: workspaceId,
    not_after: nowMs + 40 * DAY_MS,
    renew_at: nowMs,
    directory_url: "https://former.test/dir",
  };
  const { created_at: _, updated_at: __, ...certificate } = row;
  await transact(world.db, (tx) => storeCertificate(tx, certificate, nowMs));
  await world.change(hostname, { deadline_at: row.not_after });
}

/** Runs whatever is due, then goes on to the time at which something is. Returns the time of each certificate. */
async function issueAll({ world }: Bed): Promise<ReadonlyMap<string, number>> {
  const issuedAtMs = new Map<string, number>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const open = await listOpenOrders(world.db.kysely, { limit: ALL.length });
    if (open.length === 0) return issuedAtMs;
    const due = shuffled(open.filter(({ nextAttemptAtMs }) => nextAttemptAtMs <= world.nowMs), round);
    if (due.length === 0) {
      world.advance(
        Math.min(...open.map(({ nextAttemptAtMs }) => nextAttemptAtMs)) + TOGETHER_MS - world.nowMs,
      );
      continue;
    }
    const work = async (): Promise<void> => {
      for (let next = due.pop(); next !== undefined; next = due.pop()) {
        const { result } = await world.run(next.hostname);
        assert.ok(result.ok, next.hostname);
        if (result.value.kind === "issued") issuedAtMs.set(next.hostname, world.nowMs);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
  throw new Error(`not all are issued after ${ROUNDS_MAX} rounds`);
}

interface Bed {
  readonly world: CertificateWorld;
  readonly proxy: LimitingProxy;
  readonly edge: TestEdge;
}

/** Runs with a worker that knows the limits, and an authority that enforces them. */
function test(name: string, pace: typeof FAST, run: (bed: Bed) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasPebble(),
    fn: async () => {
      const limits = limitsOf(LETS_ENCRYPT);
      assert.ok(limits !== undefined);
      const httpPort = freePort();
      await using edge = new TestEdge(httpPort);
      await using pebble = await TestPebble.start({ httpPort });
      const now = (): number => edge.world?.nowMs ?? 0;
      await using proxy = await LimitingProxy.start({ pebble, limits: PUBLISHED, ...pace.proxy, now });
      await using world = await CertificateWorld.make(pebble, {
        directories: [proxy.directoryUrl],
        trusted: proxy.trusted,
        limits,
        pace: pace.ours,
      });
      edge.world = world;
      await run({ world, proxy, edge });
      assert.deepEqual(Object.fromEntries(proxy.over), {}, `of ${proxy.requests} requests`);
    },
  });
}

test(
  "2,000 names are issued without one request over a published limit, the most urgent first",
  FAST,
  async (bed) => {
    const { world, proxy, edge } = bed;
    const startMs = world.nowMs;
    edge.isWrong = (hostname) => hostname.includes(".broken") && world.nowMs < startMs + BROKEN_MS;
    for (const { hostname, workspaceId } of ALL) await world.want(hostname, workspaceId);
    for (const name of PATIENT) await renewLater(world, name);
    const issuedAtMs = await issueAll(bed);
    assert.equal(issuedAtMs.size, ALL.length);
    for (const { hostname } of ALL) {
      assert.equal((await world.certificate(hostname))?.directory_url, proxy.directoryUrl, hostname);
    }
    // An attempt that a busy machine makes too slow costs its name another window.
    const fresh = FRESH.map(({ hostname }) => issuedAtMs.get(hostname) ?? Infinity).toSorted((a, b) => a - b);
    const nearlyAllMs = fresh[Math.floor(FRESH.length * 0.9)] ?? Infinity;
    const inTime = "names without a certificate use the limit as it becomes free";
    assert.ok(nearlyAllMs - startMs < 3 * 3 * HOUR_MS, inTime);
    const before = PATIENT.filter(({ hostname }) => (issuedAtMs.get(hostname) ?? 0) < nearlyAllMs);
    assert.ok(before.length < AT_ONCE, `${before.length} renewals with weeks left came before the new names`);
  },
);

test("requests of one address keep to the pace that an authority takes", SLOW, async (bed) => {
  for (let at = 0; at < AT_ONCE; at++) await bed.world.want(`n${at}.pace.test`);
  assert.equal((await issueAll(bed)).size, AT_ONCE);
});

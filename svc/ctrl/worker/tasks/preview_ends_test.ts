/** The task only asks: whether a deployment ends is decided in `end_unused_step.ts`, and tested there. */
import assert from "node:assert/strict";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { seedDeployment, seedProject, testOnCtrlDatabases } from "../../internal/store/testing.ts";
import {
  type CtrlDatabase,
  EDGE_REGION,
  listUnusedDeployments,
  recordAgents,
} from "../../internal/store/mod.ts";
import { endUnusedOnce, type PreviewEndsDeps, REPORTS_MARGIN_MS } from "./preview_ends.ts";

const test = testOnCtrlDatabases();
const WEEK_SECONDS = 604_800;
const never = new AbortController().signal;

interface Asked {
  readonly path: string;
  readonly key: string;
  readonly body: unknown;
}

/** Restate's ingress as far as the task sees it: it takes what is sent. */
async function onIngress(run: (url: string, asked: readonly Asked[]) => Promise<void>): Promise<void> {
  const asked: Asked[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
    async (request) => {
      const key = request.headers.get("idempotency-key") ?? "";
      asked.push({ path: new URL(request.url).pathname, key, body: await request.json() });
      return new Response("{}", { status: 202 });
    },
  );
  try {
    await run(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

function deps(db: CtrlDatabase, ingressUrl: string): PreviewEndsDeps {
  const clock = new ManualClock();
  const ingress = { ingressUrl, clock, timeoutMs: 10_000 };
  return { db, clock, log: silentLogger(), ingress, operatorSeconds: WEEK_SECONDS };
}

async function unused(db: CtrlDatabase): Promise<{ readonly id: string; readonly environmentId: string }> {
  const seed = await seedProject(db);
  const { id } = await seedDeployment(db, seed, { environment_id: seed.previewId });
  await db.kysely.updateTable("deployments").set({ status: "ready", updated_at: 1 }).where("id", "=", id)
    .execute();
  return { id, environmentId: seed.previewId };
}

test("endUnusedOnce() asks the environment of each unused deployment, and with one key in one period", async (db) => {
  const { id, environmentId } = await unused(db);
  await onIngress(async (url, asked) => {
    const given = deps(db, url);
    await endUnusedOnce(given, "", never);
    await endUnusedOnce(given, "", never);
    const own = asked.filter(({ path }) => path.includes(environmentId));
    assert.deepEqual(own.map(({ path }) => path.split("/").slice(-2)), [["endUnused", "send"], [
      "endUnused",
      "send",
    ]]);
    assert.equal(own[0]?.key, own[1]?.key);
    assert.deepEqual(own[0]?.body, {
      deploymentId: id,
      operatorSeconds: WEEK_SECONDS,
      marginMs: REPORTS_MARGIN_MS,
    });
  });
});

test("endUnusedOnce() asks nothing about what is used or stopped", async (db) => {
  const { id, environmentId } = await unused(db);
  await db.kysely.updateTable("deployments").set({ status: "stopped" }).where("id", "=", id).execute();
  await onIngress(async (url, asked) => {
    await endUnusedOnce(deps(db, url), "", never);
    assert.deepEqual(asked.filter(({ path }) => path.includes(environmentId)), []);
  });
});

/** Its requests of the time are reported when it is connected again. */
test("endUnusedOnce() asks for no end while an edge that may still serve sends no heartbeat", async (db) => {
  const { environmentId } = await unused(db);
  await onIngress(async (url, asked) => {
    const given = deps(db, url);
    const heard = (nowMs: number) =>
      transact(db, (tx) => recordAgents(tx, [{ agentId: `*:${environmentId}`, region: EDGE_REGION, nowMs }]));
    const own = () => asked.filter(({ path }) => path.includes(environmentId)).length;
    await heard(given.clock.now() - REPORTS_MARGIN_MS - 1);
    await endUnusedOnce(given, "", never);
    assert.equal(own(), 0);
    await heard(given.clock.now());
    await endUnusedOnce(given, "", never);
    assert.equal(own(), 1);
    await db.kysely.deleteFrom("agents").where("agent_id", "=", `*:${environmentId}`).execute();
  });
});

test("listUnusedDeployments() goes on after an id, so that the first ones hide no others", async (db) => {
  const ids = [(await unused(db)).id, (await unused(db)).id, (await unused(db)).id].sort();
  const options = { operatorSeconds: WEEK_SECONDS, marginMs: REPORTS_MARGIN_MS, limit: 1 };
  const seen: string[] = [];
  for (let [after, page] = ["", 0]; page < 1_000; page++) {
    const [next] = await listUnusedDeployments(db.kysely, { ...options, after });
    if (next === undefined) break;
    seen.push(next.id);
    after = next.id;
  }
  assert.deepEqual(seen.filter((id) => ids.includes(id)), ids);
});

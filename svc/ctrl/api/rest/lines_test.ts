/** The places of streams whose clients leave at a bad moment. */
import assert from "node:assert/strict";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { newId } from "../../../../pkg/uid/mod.ts";
import type { RootKeyPrincipal } from "../../internal/auth/principal.ts";
import { StreamShares } from "../../internal/limits/mod.ts";
import { openTestDatabase } from "../../internal/store/testing.ts";
import { deployImage, eventually, startApi } from "../../services/testing.ts";
import { HEARTBEAT, openLines } from "./lines.ts";
import { checkedFetch } from "./testing.ts";

const CLIENTS = 50;
const CALLER: RootKeyPrincipal = {
  kind: "root_key",
  workspaceId: newId("workspace", 0),
  keyId: "key_1",
  keyName: "",
  permissions: new Set(),
};

async function* never(): AsyncGenerator<string> {
  await new Promise(() => undefined);
  yield "never";
}

async function opened(signal: AbortSignal) {
  const db = await openTestDatabase();
  const streams = new StreamShares(db.kysely);
  const source = {
    check: () => Promise.resolve(),
    follow: never,
    encode: (each: string) => each,
  };
  const lines = await openLines(streams, CALLER, source, signal);
  return { db, lines, used: () => streams.used(CALLER.workspaceId) };
}

Deno.test("a stream gives its place back when its client leaves before it is read", async () => {
  const client = new AbortController();
  const { db, used } = await opened(client.signal);
  assert.equal(used(), 1);
  client.abort();
  await eventually("the free place", () => Promise.resolve(used() === 0));
  await db.close();
});

Deno.test("a stream has no place when its client left before it was opened, and says nothing more", async () => {
  const { db, lines, used } = await opened(AbortSignal.abort());
  await eventually("the free place", () => Promise.resolve(used() === 0));
  assert.deepEqual(await Array.fromAsync(lines), [HEARTBEAT]);
  await db.close();
});

/** The requests wait for the database, in their authentication, while their clients leave. */
Deno.test("the places of a workspace are free after 50 clients left before the answer", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const deploymentId = await deployImage(api, tenant);
  const admin = api.client(AdminService, tenant.rootKey);
  const used = async (): Promise<bigint | undefined> =>
    (await admin.listLimits({})).limits.find(({ name }) => name === "streams")?.used;
  const leave = new AbortController();
  const request = {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${tenant.rootKey}` },
    body: JSON.stringify({ deploymentId }),
    signal: leave.signal,
  };
  let calls: Promise<unknown>[] = [];
  await api.db.kysely.transaction().execute(async () => {
    calls = Array.from({ length: CLIENTS }, () => checkedFetch(`${api.url}/v2/deploy.streamEvents`, request));
    calls.forEach((call) => call.catch(() => undefined));
    // The server answers in turn: it has the requests when it answers after them.
    for (let n = 0; n < CLIENTS; n++) await (await fetch(`${api.url}/health/live`)).body?.cancel();
    leave.abort();
    await Promise.allSettled(calls);
    for (let n = 0; n < CLIENTS; n++) await (await fetch(`${api.url}/health/live`)).body?.cancel();
  });
  // Each look at the limits waits in line behind the statements of the requests.
  for (let n = 0; n < 20; n++) await used();
  await eventually("the free places", async () => await used() === 0n);
});

import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Secret } from "../../../../pkg/config/mod.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { createLogger, silentLogger } from "../../../../pkg/logger/mod.ts";
import { createRpcClient, serveRpc } from "../../../../pkg/rpc/mod.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { DeploymentService } from "../../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { setPrincipal } from "../../internal/auth/principal.ts";
import { stopTopology } from "../../internal/store/mod.ts";
import {
  clock,
  deployImage,
  eventually,
  next,
  sentinelToken,
  SERVICE_TOKEN,
  startApi,
  type TestApi,
} from "../../services/testing.ts";
import { watchOpenStreams } from "./open_streams.ts";

const REGION = "local.dev";

/** A stream that is read to its end. */
interface Followed {
  readonly messages: number;
  /** `undefined` while it is open. */
  readonly end: Code | "ok" | undefined;
}

function followed(stream: AsyncIterable<unknown>): Followed {
  const state = { messages: 0, end: undefined as Followed["end"] };
  (async () => {
    for await (const _ of stream) state.messages++;
  })().then(() => state.end = "ok", (error: unknown) => state.end = ConnectError.from(error).code);
  return state;
}

/** Waits until every stream has been answered: only then is it open. */
async function answered(...streams: readonly Followed[]): Promise<void> {
  await eventually(
    "an answer on every stream",
    () => Promise.resolve(streams.every((each) => each.messages > 0)),
  );
}

async function ended(...streams: readonly Followed[]): Promise<void> {
  await eventually(
    "the end of the streams",
    () => Promise.resolve(streams.every((each) => each.end !== undefined)),
  );
  assert.deepEqual(streams.map(({ end }) => end), streams.map(() => Code.Unauthenticated));
}

/** Still open, with messages: heartbeats at least. */
async function goesOn(...streams: readonly Followed[]): Promise<void> {
  const before = streams.map(({ messages }) => messages);
  await eventually(
    "a message on every stream",
    () =>
      Promise.resolve(
        streams.every(({ messages, end }, n) => end !== undefined || messages > (before[n] ?? 0)),
      ),
  );
  assert.deepEqual(streams.map(({ end }) => end), streams.map(() => undefined));
}

/** The streams of a root key; the one with a timeout is served by the general code. */
function developerStreams(api: TestApi, key: string, deploymentId: string): readonly Followed[] {
  const client = api.client(DeploymentService, key);
  return [
    followed(client.streamInstanceLogs({ deploymentId, follow: true })),
    followed(client.watchDeploymentEvents({ deploymentId })),
    followed(client.watchDeploymentEvents({ deploymentId }, { timeoutMs: 60_000 })),
  ];
}

Deno.test("open streams of a root key end when it is revoked, those of another go on", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const admin = api.client(AdminService, tenant.rootKey);
  const { keyId, key } = await admin.createRootKey({ permissions: ["*"] });
  const revoked = developerStreams(api, key, id);
  const valid = developerStreams(api, tenant.rootKey, id);
  await answered(...revoked, ...valid);
  await admin.revokeRootKey({ keyId });
  await ended(...revoked);
  await goesOn(...valid);
  assert.ok(api.lines.some((line) => /revoked while the stream was open/.test(line) && line.includes(keyId)));
  assert.ok(!api.lines.some((line) => line.includes(key)), "no key is logged");
});

Deno.test("open streams of a revoked region, edge or sentinel token end", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const sentinel = await sentinelToken(api, tenant);
  const operator = api.client(AdminService, SERVICE_TOKEN);
  const region = await operator.createRegionToken({ region: REGION });
  const edge = await operator.createRegionToken({ region: "*" });
  const agent = api.client(ClusterService, region.token);
  const revoked = [
    followed(agent.watchDeployments({ region: REGION, agentId: "krane-1" })),
    followed(agent.watchSentinels({ region: REGION, agentId: "krane-1" })),
    followed(api.client(FrontlineService, edge.token).watchRoutes({ edgeId: "edge-1" })),
    followed(api.client(FrontlineService, sentinel).watchRoutes({ edgeId: "sentinel" })),
  ];
  const other = api.client(ClusterService, await api.regionToken(REGION));
  const valid = followed(other.watchDeployments({ region: REGION, agentId: "krane-2" }));
  await answered(...revoked, valid);
  for (const { tokenId } of [region, edge]) await operator.revokeRegionToken({ tokenId });
  for (const { id } of await api.db.kysely.selectFrom("deployments").select("id").execute()) {
    await transact(api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: clock.now() }));
  }
  await ended(...revoked);
  await goesOn(valid);
});

/** Only a definite answer ends a stream: a credential that cannot be checked may well be valid. */
Deno.test("streams stay open while the database cannot check their credentials", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const id = await deployImage(api, tenant);
  const { keyId, key } = await api.client(AdminService, tenant.rootKey).createRootKey({ permissions: ["*"] });
  const streams = developerStreams(api, key, id);
  await answered(...streams);
  const { schema } = api.db.kysely;
  await schema.alterTable("root_keys").renameTo("root_keys_away").execute();
  await eventually(
    "a sweep that fails",
    () =>
      Promise.resolve(api.lines.some((line) => line.includes("sweep failed") && line.includes("root_keys"))),
  );
  await goesOn(...streams);
  await schema.alterTable("root_keys_away").renameTo("root_keys").execute();
  await goesOn(...streams);
  await api.db.kysely.updateTable("root_keys").set({ revoked_at: 1 }).where("id", "=", keyId).execute();
  await ended(...streams);
});

Deno.test("a sweep checks all open streams with one call, and none that was closed", async () => {
  const asked: string[][] = [];
  const streams = watchOpenStreams({
    authenticate: () => Promise.reject(new Error("not asked")),
    lookAgain: (tokens) => Promise.resolve(new Map((asked.push([...tokens].sort()), []))),
  });
  const sweepOnce = async () => {
    const stop = new AbortController();
    const once = { now: clock.now, sleep: () => Promise.resolve(stop.abort()) };
    await streams.sweep({ clock: once, log: silentLogger() }, stop.signal);
    return asked.splice(0);
  };
  const lines: string[] = [];
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "none",
    clock,
    log: createLogger({ service: "test", level: "info", write: (line) => lines.push(line) }),
    admit: ({ values }) => setPrincipal(values, { kind: "region", region: REGION, networks: [] }),
    interceptors: [streams.interceptor],
    mount: (router) =>
      router.service(DeploymentService, {
        async *streamInstanceLogs({ tail }, { signal }) {
          yield {};
          if (tail === 0) await clock.sleep(600_000, signal);
        },
      }),
  });
  const done = new AbortController();
  const baseUrl = `http://127.0.0.1:${server.port}`;
  /** Opens a stream, waits for its first message, and returns a function that closes it. */
  const open = async (token: string, tail: number, timeout: { timeoutMs?: number } = {}) => {
    const close = new AbortController();
    const signal = AbortSignal.any([close.signal, done.signal]);
    const stream = createRpcClient(DeploymentService, { baseUrl, token: new Secret(token) })
      .streamInstanceLogs({ tail }, { signal, ...timeout })[Symbol.asyncIterator]();
    await next(stream);
    stream.next().catch(() => undefined);
    return () => close.abort();
  };
  const asks = (...tokens: readonly string[]) =>
    eventually(
      `a question about ${tokens}`,
      async () => isDeepStrictEqual(await sweepOnce(), tokens.length === 0 ? [] : [tokens]),
    );
  try {
    const closeLast = await open("a", 0);
    const others = [await open("b", 0), await open("b", 0), await open("c", 0, { timeoutMs: 60_000 })];
    await open("ends", 1);
    await asks("a", "b", "c");
    for (const close of others) close();
    await asks("a");
    closeLast();
    await asks();
    assert.deepEqual(lines.filter((line) => line.includes("internal")), []);
  } finally {
    done.abort();
    await server.shutdown();
  }
});

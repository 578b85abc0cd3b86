import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import assert from "node:assert/strict";
import { transact } from "../../../../pkg/db/mod.ts";
import {
  compactChanges,
  findDeployment,
  findRegionVersion,
  listAgents,
  stopTopology,
} from "../../internal/store/mod.ts";
import {
  clock,
  deployImage,
  eventually,
  move,
  place,
  startApi,
  type Tenant,
  type TestApi,
} from "../testing.ts";

const REGION = "local.dev";
const NAME_FIELD = 2;
const ENVELOPE_BYTES = 5;

/**
 * A client that knows the original protocol and nothing else, down to the bytes: states are `apply` (1), `delete` (2) and
 * `version` (3), every other field is skipped, and after each message its cursor is the version it has seen.
 */
class OriginalClient {
  readonly running = new Set<string>();
  /** Every version, in order of arrival. */
  readonly versions: number[] = [];
  cursor = 0;
  readonly #url: string;
  readonly #token: string;
  #leave = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(api: TestApi, token: string) {
    this.#url = `${api.url}/ctrl.v1.ClusterService/WatchDeployments`;
    this.#token = token;
  }

  connect(): void {
    this.#leave = new AbortController();
    this.#done = this.#follow(this.#leave.signal).catch((error: unknown) => {
      if (!this.#leave.signal.aborted) throw error;
    });
  }

  async disconnect(): Promise<void> {
    this.#leave.abort();
    await this.#done;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const request = new BinaryWriter().tag(1, 2).string(REGION).tag(2, 0).uint64(this.cursor).finish();
    const body = new Uint8Array(ENVELOPE_BYTES + request.length);
    new DataView(body.buffer).setUint32(1, request.length);
    body.set(request, ENVELOPE_BYTES);
    const headers = {
      "content-type": "application/connect+proto",
      "connect-protocol-version": "1",
      authorization: `Bearer ${this.#token}`,
      "x-krane-region": REGION,
    };
    const response = await fetch(this.#url, { method: "POST", headers, body, signal });
    let bytes = new Uint8Array();
    for await (const part of response.body ?? []) {
      bytes = new Uint8Array([...bytes, ...part]);
      for (let length = lengthOf(bytes); length !== undefined; length = lengthOf(bytes)) {
        assert.equal(bytes[0], 0, "the stream goes on");
        this.#take(bytes.subarray(ENVELOPE_BYTES, length));
        bytes = bytes.slice(length);
      }
    }
  }

  #take(message: Uint8Array): void {
    const reader = new BinaryReader(message);
    let [version, applied, deleted] = [0, "", ""];
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1) applied = nameIn(reader.bytes());
      else if (field === 2) deleted = nameIn(reader.bytes());
      else if (field === 3) version = Number(reader.uint64());
      else reader.skip(type);
    }
    if (applied !== "") this.running.add(applied);
    if (deleted !== "") this.running.delete(deleted);
    this.versions.push(version);
    this.cursor = Math.max(this.cursor, version);
  }
}

function lengthOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < ENVELOPE_BYTES) return undefined;
  const length = ENVELOPE_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  return bytes.length < length ? undefined : length;
}

/** `k8s_name` is the second field of both. */
function nameIn(bytes: Uint8Array): string {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === NAME_FIELD) return reader.string();
    reader.skip(type);
  }
  return "";
}

async function placed(api: TestApi, tenant: Tenant): Promise<{ id: string; name: string }> {
  const id = await deployImage(api, tenant);
  await move(api, id, "deploying");
  await place(api, tenant, id, REGION);
  return { id, name: (await findDeployment(api.db.kysely, id))?.k8s_name ?? "" };
}

async function stop(api: TestApi, id: string): Promise<void> {
  await transact(api.db, (tx) => stopTopology(tx, { deploymentId: id, nowMs: clock.now() }));
}

/** Waits until the client runs exactly these and has the newest version. */
async function runs(api: TestApi, client: OriginalClient, ...names: readonly string[]): Promise<void> {
  const version = await findRegionVersion(api.db.kysely, REGION);
  const wanted = [...names].sort().join();
  await eventually(
    `the client to run ${wanted}`,
    () => Promise.resolve(client.cursor === version && [...client.running].sort().join() === wanted),
  );
}

Deno.test("a client of the original protocol converges, also after it was away for longer than changes are kept", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const [a, b, c] = [await placed(api, tenant), await placed(api, tenant), await placed(api, tenant)];
  await stop(api, c.id);
  const client = new OriginalClient(api, await api.regionToken(REGION));
  // It ran this before its restart, and missed the stop.
  client.running.add(c.name);
  client.connect();
  await runs(api, client, a.name, b.name);
  await stop(api, a.id);
  await runs(api, client, b.name);
  await client.disconnect();
  const before = client.cursor;

  const d = await placed(api, tenant);
  client.versions.length = 0;
  client.connect();
  await runs(api, client, b.name, d.name);
  await client.disconnect();
  assert.ok(client.versions.every((version) => version > before), "strictly greater versions only");

  await stop(api, b.id);
  const e = await placed(api, tenant);
  await stop(api, d.id);
  await compactChanges(api.db.kysely, REGION, { nowMs: clock.now() + 10_000, keepMs: 1, keepVersions: 0 });
  client.versions.length = 0;
  client.connect();
  await runs(api, client, e.name);
  await client.disconnect();
  assert.deepEqual(
    client.versions,
    client.versions.toSorted((x, y) => x - y),
    "versions rise, so that a stream may end anywhere",
  );
});

Deno.test("a client of the original protocol counts as its region's agent while its stream is open", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { name } = await placed(api, tenant);
  const client = new OriginalClient(api, await api.regionToken(REGION));
  client.connect();
  await runs(api, client, name);
  await eventually(
    "the registration of the agent",
    async () =>
      (await listAgents(api.db.kysely, { sinceMs: clock.now() - 5_000, region: REGION })).length === 1,
  );
  await client.disconnect();
});

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { createServer, type Server } from "node:tls";
import { openDepot } from "../../../../pkg/build/depot/mod.ts";
import type { BuildRequest } from "../../../../pkg/build/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { makeCertificate } from "../../../../pkg/testkit/certificate.ts";
import { TestDepot, type TestDepotOptions } from "../../../../pkg/testkit/depot.ts";
import { ManualClock } from "../../../../pkg/testkit/manual_clock.ts";
import { freePort } from "../../../../pkg/testkit/ports.ts";
import { seedProject } from "../../internal/store/testing.ts";
import { findDepotProject } from "../../internal/store/mod.ts";
import { depotLease } from "./depot_lease.ts";
import { memoryDatabase } from "../testing.ts";

/** Far more than any test takes. */
const DEADLINE_MS = 60_000;
const SERVER_NAME = "machine.depot.test";

interface Bed {
  readonly depot: TestDepot;
  readonly clock: ManualClock;
  readonly projectId: string;
  lease(signal?: AbortSignal): ReturnType<ReturnType<typeof depotLease>>;
  /** The id that is stored for the project. */
  stored(): Promise<string | undefined>;
  /** Lets the machine accept connections. */
  accept(): Promise<void>;
  /** The result of a promise, with the clock moved on until it has one. */
  settled<T>(promise: Promise<T>): Promise<T>;
}

async function onBed(
  test: (bed: Bed) => Promise<void>,
  options: Partial<TestDepotOptions> = {},
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "unkey-lease-" });
  const db = await memoryDatabase();
  let server: Server | undefined;
  try {
    const files = await makeCertificate(folder, [`DNS:${SERVER_NAME}`]);
    const [ca, cert, key] = await Promise.all(
      [files.authority, files.certificate, files.privateKey].map((path) => Deno.readTextFile(path)),
    );
    assert.ok(ca !== undefined && cert !== undefined && key !== undefined);
    const port = freePort();
    const machine = { address: `tcp://127.0.0.1:${port}`, serverName: SERVER_NAME, ca, cert, key };
    await using depot = await TestDepot.start({ machine, projects: [], ...options });
    const { projectId } = await seedProject(db);
    const [clock, log] = [new ManualClock(), silentLogger()];
    const client = openDepot({ token: depot.token, apiUrl: depot.url, clock, log });
    const lease = depotLease({
      db: db.kysely,
      depot: client,
      region: "us-east-1",
      clock,
      log,
      platform: "amd64",
    });
    const request: Pick<BuildRequest, "projectId"> = { projectId };
    await test({
      depot,
      clock,
      projectId,
      lease: (signal = new AbortController().signal) => lease({ ...REST, ...request, signal }),
      stored: () => findDepotProject(db.kysely, projectId),
      accept: () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        server = createServer({
          cert,
          key,
          ca,
          requestCert: true,
          rejectUnauthorized: true,
          ALPNProtocols: ["h2"],
        });
        server.on("tlsClientError", () => undefined);
        server.on("secureConnection", (socket) => socket.on("error", () => undefined));
        server.listen(port, "127.0.0.1", resolve);
        return promise;
      },
      async settled(promise) {
        let done = false;
        const waiting = Promise.allSettled([promise]).finally(() => done = true);
        const deadline = performance.now() + DEADLINE_MS;
        while (!done) {
          assert.ok(performance.now() < deadline, "not in time");
          await clock.advance(500);
        }
        const [result] = await waiting;
        if (result.status === "rejected") throw result.reason;
        return result.value;
      },
    });
  } finally {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (server === undefined) resolve();
    else server.close(() => resolve());
    await promise;
    await db.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** A lease depends on the project and the signal only. */
const REST: Omit<BuildRequest, "projectId" | "signal"> = {
  context: { entries: [], read: () => assert.fail("nothing is read") },
  dockerfile: { path: "Dockerfile", content: new Uint8Array() },
  image: "r.example/shop:d_1",
  labels: {},
  options: { arguments: {}, noCache: false, pull: false },
  secrets: () => Promise.resolve(undefined),
  credentials: () => Promise.resolve(undefined),
  contextKey: "key",
  cacheNamespace: "ws",
  onEvent: () => undefined,
};

Deno.test("depotLease() tells Depot how each build ended", async (t) => {
  for (
    const [outcome, result] of [
      ["built", "success"],
      ["failed", "error: the build failed"],
      ["stopped", "canceled"],
    ] as const
  ) {
    await t.step(outcome, () =>
      onBed(async ({ depot, lease, settled, stored }) => {
        const machine = await settled(lease());
        assert.equal(depot.builds[0]?.projectId, await stored());
        assert.equal(depot.builds[0]?.result, undefined);
        await settled(machine.release(outcome));
        assert.equal(depot.builds[0]?.result, result);
        assert.deepEqual([...depot.builds[0]?.platforms ?? []], ["amd64"]);
      }));
  }
});

Deno.test("depotLease() creates a project again that was deleted at Depot, once", async (t) => {
  await t.step("and goes on with it", () =>
    onBed(async ({ depot, lease, settled, stored }) => {
      const first = await settled(lease());
      await settled(first.release("built"));
      const deleted = await stored();
      depot.projects.length = 0;
      const second = await settled(lease());
      await settled(second.release("built"));
      assert.notEqual(await stored(), deleted);
      assert.deepEqual(depot.projects.map(({ id }) => id), [await stored()]);
      assert.equal(depot.builds.length, 2);
    }));
  await t.step("and gives up when it is gone again", () =>
    onBed(async ({ depot, lease, settled }) => {
      depot.refuse("createBuild", Code.NotFound);
      await assert.rejects(settled(lease()), (error) => isFault(error, "not_found"));
      assert.equal(depot.calls.filter((each) => each === "createBuild").length, 2);
      assert.equal(depot.builds.length, 0);
    }));
  await t.step("and for no other failure", () =>
    onBed(async ({ depot, lease, settled }) => {
      depot.refuse("createBuild", Code.PermissionDenied);
      await assert.rejects(settled(lease()), (error) => isFault(error, "failed_precondition"));
      assert.equal(depot.calls.filter((each) => each === "createBuild").length, 1);
    }));
});

/** A machine is ready before its BuildKit listens. */
Deno.test("a connection is tried again until the machine accepts it", () =>
  onBed(async ({ lease, settled, accept, clock }) => {
    const machine = await settled(lease());
    const startMs = clock.now();
    let open = false;
    const connecting = machine.endpoint.connect(new AbortController().signal);
    const waiting = settled(connecting.finally(() => open = true));
    const deadline = performance.now() + DEADLINE_MS;
    while (clock.now() - startMs < 5_000) {
      assert.ok(performance.now() < deadline, "not in time");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.equal(open, false);
    await accept();
    const connection = await waiting;
    connection.close();
    await settled(machine.release("built"));
  }));

Deno.test("a machine that never accepts a connection is no endless wait", () =>
  onBed(async ({ lease, settled, clock }) => {
    const machine = await settled(lease());
    const startMs = clock.now();
    await assert.rejects(
      settled(machine.endpoint.connect(new AbortController().signal)),
      (error) => isFault(error, "unavailable"),
    );
    assert.ok(clock.now() - startMs >= 30_000, "it was tried for half a minute at least");
    await settled(machine.release("stopped"));
  }));

Deno.test("a wait for a connection ends when the build is stopped", () =>
  onBed(async ({ lease, settled }) => {
    const machine = await settled(lease());
    const stop = new AbortController();
    const connecting = machine.endpoint.connect(stop.signal);
    stop.abort(new Error("the build was stopped"));
    await assert.rejects(settled(connecting), /the build was stopped/);
    await settled(machine.release("stopped"));
  }));

Deno.test("a build that Depot cancels ends with a text that says so", () =>
  onBed(async ({ depot, lease, settled, clock }) => {
    const machine = await settled(lease());
    const { cancelled } = machine;
    assert.equal(cancelled?.aborted, false);
    depot.cancelBuildsAt(clock.now());
    const { promise, resolve } = Promise.withResolvers<void>();
    cancelled?.addEventListener("abort", () => resolve(), { once: true });
    await settled(promise);
    assert.ok(isFault(cancelled?.reason, "cancelled"));
    await settled(machine.release("stopped"));
    assert.equal(depot.builds[0]?.result, "canceled");
  }));

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { Secret } from "../../config/mod.ts";
import { type FaultCode, isFault } from "../../fault/mod.ts";
import type { TestDepotMachine, TestDepotMethod } from "../../testkit/depot.ts";
import { Bench, MACHINE } from "./testing.ts";
import type { AcquireRequest } from "./mod.ts";

function request(changes: Partial<AcquireRequest> = {}): AcquireRequest {
  return { projectId: "project-1", platform: "arm64", signal: new AbortController().signal, ...changes };
}

Deno.test("acquire() polls until the machine is ready, and release() ends the build with its result", async () => {
  await using bench = await Bench.start({ pollsUntilReady: 3, waitMs: 1_000 });
  const { clock, depot, server } = bench;
  const startMs = clock.now();
  const machine = await bench.value(depot.acquire(request()));
  const { buildId, buildUrl, address, serverName, ca, cert, key } = machine;
  assert.deepEqual(
    { buildId, buildUrl, address, serverName, ca, cert, key: key.reveal() },
    { ...MACHINE, buildId: "build-1", buildUrl: "https://depot.example/builds/build-1" },
  );
  const [build] = server.builds;
  assert.equal(build?.polls, 4);
  assert.ok(clock.now() - startMs >= 3_000, "it waits between polls as long as Depot asks for");
  assert.deepEqual([...build.platforms], ["arm64"]);
  assert.equal(build.result, undefined);
  await bench.value(machine.release({ kind: "success" }));
  assert.equal(build.result, "success");
});

Deno.test("acquire() does not wait for ever between polls, whatever Depot asks for", async () => {
  await using bench = await Bench.start({ pollsUntilReady: 1, waitMs: 2_000_000_000 });
  const machine = await bench.value(bench.depot.acquire(request()));
  await machine.release({ kind: "success" });
});

Deno.test("release() reports each outcome to Depot, once", async (t) => {
  await using bench = await Bench.start();
  const table = [
    [{ kind: "success" }, "success"],
    [{ kind: "cancelled" }, "canceled"],
    [{ kind: "failed", message: "exit code 1" }, "error: exit code 1"],
  ] as const;
  for (const [outcome, result] of table) {
    await t.step(outcome.kind, async () => {
      const machine = await bench.value(bench.depot.acquire(request()));
      await Promise.all([machine.release(outcome), machine.release({ kind: "failed", message: "later" })]);
      assert.equal(bench.server.builds.at(-1)?.result, result);
    });
  }
  assert.equal(bench.server.calls.filter((each) => each === "finishBuild").length, table.length);
});

Deno.test("release() tries again when Depot does not answer, and never throws", async () => {
  await using bench = await Bench.start();
  const { depot, server, lines } = bench;
  const first = await bench.value(depot.acquire(request()));
  server.refuse("finishBuild", Code.Unavailable, 1);
  await bench.value(first.release({ kind: "failed", message: "exit code 1" }));
  assert.equal(server.builds[0]?.result, "error: exit code 1");
  const second = await bench.value(depot.acquire(request()));
  server.refuse("finishBuild", Code.Internal);
  await bench.value(second.release({ kind: "success" }));
  assert.equal(server.builds[1]?.result, undefined);
  assert.ok(lines.some((line) => line.includes("depot build not finished")));
});

Deno.test("the heartbeat begins before the machine is ready, goes on after failures, and ends with release()", async () => {
  await using bench = await Bench.start({ pollsUntilReady: 2, waitMs: 1_000 });
  const { clock, depot, server, lines } = bench;
  const release = server.hold("getBuildKitConnection");
  const acquiring = depot.acquire(request());
  await bench.until(() => (server.builds[0]?.heartbeats ?? 0) >= 2);
  release();
  const machine = await bench.value(acquiring);
  server.refuse("reportBuildHealth", Code.Unavailable, 2);
  const calls = (): number => server.calls.filter((each) => each === "reportBuildHealth").length;
  const before = calls();
  const startMs = clock.now();
  await bench.until(() => calls() >= before + 5);
  assert.ok(clock.now() - startMs >= 4 * 5_000, "one call each five seconds");
  assert.equal(lines.filter((line) => line.includes("depot heartbeat failed")).length, 1);
  assert.equal(machine.cancelled.aborted, false);
  await machine.release({ kind: "success" });
  const after = calls();
  await clock.advance(60_000);
  assert.deepEqual([calls(), server.builds[0]?.lateCalls], [after, 0]);
});

Deno.test("a call of the heartbeat that hangs does not hold release() up", async () => {
  await using bench = await Bench.start();
  const { depot, server } = bench;
  const answer = server.hold("reportBuildHealth");
  const machine = await bench.value(depot.acquire(request()));
  await machine.release({ kind: "success" });
  assert.equal(server.builds[0]?.result, "success");
  answer();
});

Deno.test("a build that Depot cancels aborts, also while it waits for its machine", async (t) => {
  await t.step("on its machine", async () => {
    await using bench = await Bench.start();
    const { clock, depot, server } = bench;
    const machine = await bench.value(depot.acquire(request()));
    server.cancelBuildsAt(clock.now() + 60_000);
    await clock.advance(30_000);
    assert.equal(machine.cancelled.aborted, false);
    await bench.until(() => machine.cancelled.aborted);
    assert.ok(isFault(machine.cancelled.reason, "cancelled"));
    await machine.release({ kind: "cancelled" });
  });
  await t.step("before", async () => {
    await using bench = await Bench.start({ pollsUntilReady: Infinity });
    const acquiring = bench.depot.acquire(request());
    bench.server.cancelBuildsAt(0);
    assert.ok(isFault(await bench.reason(acquiring), "cancelled"));
    assert.equal(bench.server.builds[0]?.result, "canceled");
  });
});

Deno.test("acquire() gives up when no machine is ready in time, and ends the build as failed", async () => {
  await using bench = await Bench.start({ pollsUntilReady: Infinity, waitMs: 1_000 }, {
    machineMsMax: 30_000,
  });
  const { clock, depot, server } = bench;
  const startMs = clock.now();
  const reason = await bench.reason(depot.acquire(request()));
  assert.ok(isFault(reason, "unavailable") && reason.retryable);
  assert.match(
    reason.publicMessage ?? "",
    /^No build machine: Depot had no arm64 machine ready within 30 s for its project project-1\. .*deploy again/,
  );
  assert.ok(clock.now() - startMs >= 28_000);
  assert.match(server.builds[0]?.result ?? "", /^error: No build machine: Depot had no arm64 machine/);
  const { heartbeats } = server.builds[0] ?? {};
  await clock.advance(60_000);
  assert.equal(server.builds[0]?.heartbeats, heartbeats);
});

/** A machine that is not given back is paid for until Depot notices. */
Deno.test("acquire() that is aborted ends the build as cancelled, and throws the signal's reason", async (t) => {
  const stop = new Error("the deployment was cancelled");
  await t.step("while it waits for the machine", async () => {
    await using bench = await Bench.start({ pollsUntilReady: Infinity, waitMs: 60_000 });
    const abort = new AbortController();
    const acquiring = bench.depot.acquire(request({ signal: abort.signal }));
    await bench.until(() => (bench.server.builds[0]?.polls ?? 0) > 0);
    abort.abort(stop);
    assert.equal(await bench.reason(acquiring), stop);
    assert.equal(bench.server.builds[0]?.result, "canceled");
  });
  await t.step("while a poll is under way", async () => {
    await using bench = await Bench.start();
    const answer = bench.server.hold("getBuildKitConnection");
    const abort = new AbortController();
    const acquiring = bench.depot.acquire(request({ signal: abort.signal }));
    await bench.until(() => bench.server.calls.includes("getBuildKitConnection"));
    abort.abort(stop);
    assert.equal(await bench.reason(acquiring), stop);
    assert.equal(bench.server.builds[0]?.result, "canceled");
    answer();
  });
  await t.step("while the build is created", async () => {
    await using bench = await Bench.start();
    const answer = bench.server.hold("createBuild");
    const abort = new AbortController();
    const acquiring = bench.depot.acquire(request({ signal: abort.signal }));
    await bench.until(() => bench.server.calls.includes("createBuild"));
    abort.abort(stop);
    answer();
    assert.equal(await bench.reason(acquiring), stop);
    assert.equal(bench.server.builds[0]?.result, "canceled");
  });
  await t.step("before it begins", async () => {
    await using bench = await Bench.start();
    const acquiring = bench.depot.acquire(request({ signal: AbortSignal.abort(stop) }));
    assert.equal(await bench.reason(acquiring), stop);
    assert.deepEqual(bench.server.calls, []);
  });
});

Deno.test("acquire() goes on when Depot does not answer for a while", async () => {
  await using bench = await Bench.start();
  bench.server.refuse("createBuild", Code.Unavailable, 2);
  bench.server.refuse("getBuildKitConnection", Code.Internal, 5);
  const machine = await bench.value(bench.depot.acquire(request()));
  assert.equal(machine.address, MACHINE.address);
  await machine.release({ kind: "success" });
  assert.equal(bench.server.builds.length, 1);
});

Deno.test("each refusal of Depot is a fault with its own advice, without Depot's words for the user", async (t) => {
  const table: readonly [TestDepotMethod, Code, FaultCode, RegExp][] = [
    [
      "createBuild",
      Code.Unauthenticated,
      "failed_precondition",
      /refuses the platform's token.*UNKEY_DEPOT_TOKEN/,
    ],
    ["createBuild", Code.PermissionDenied, "failed_precondition", /token does not allow it/],
    ["createBuild", Code.NotFound, "not_found", /does not know the project/],
    ["createBuild", Code.ResourceExhausted, "rate_limited", /limit of the Depot organization/],
    ["createBuild", Code.InvalidArgument, "failed_precondition", /refuses the request/],
    ["createBuild", Code.Unimplemented, "failed_precondition", /--depot-api-url/],
    ["createBuild", Code.Internal, "unavailable", /does not answer/],
    ["getBuildKitConnection", Code.Unauthenticated, "failed_precondition", /refuses the platform's token/],
    ["getBuildKitConnection", Code.FailedPrecondition, "failed_precondition", /refuses the request/],
  ];
  for (const [method, code, fault, advice] of table) {
    await t.step(`${method}: ${Code[code]}`, async () => {
      await using bench = await Bench.start();
      bench.server.refuse(method, code);
      const reason = await bench.reason(bench.depot.acquire(request()));
      assert.ok(isFault(reason, fault));
      assert.match(reason.publicMessage ?? "", advice);
      assert.match(reason.message, /a detail that Depot's double tells/);
      assert.doesNotMatch(reason.publicMessage ?? "", /a detail that/);
      const results = bench.server.builds.map(({ result }) => result?.split(":")[0]);
      assert.deepEqual(results, method === "createBuild" ? [] : ["error"]);
    });
  }
});

Deno.test("a wrong token, an unknown project and an address without Depot give different errors", async (t) => {
  await using bench = await Bench.start();
  await t.step("token", async () => {
    await using other = await Bench.start({}, { token: new Secret("wrong"), apiUrl: bench.server.url });
    const reason = await other.reason(other.depot.acquire(request()));
    assert.ok(isFault(reason, "failed_precondition"));
    assert.match(reason.publicMessage ?? "", /UNKEY_DEPOT_TOKEN/);
    assert.doesNotMatch(other.lines.join() + reason.message, /wrong/);
  });
  await t.step("project", async () => {
    const reason = await bench.reason(bench.depot.acquire(request({ projectId: "deleted" })));
    assert.ok(isFault(reason, "not_found"));
  });
  await t.step("address", async () => {
    await using other = await Bench.start({}, { apiUrl: `${bench.server.url}/elsewhere` });
    const reason = await other.reason(other.depot.acquire(request()));
    assert.ok(isFault(reason, "failed_precondition"));
    assert.match(reason.publicMessage ?? "", /--depot-api-url/);
  });
  await t.step("nothing listens", async () => {
    const other = await Bench.start();
    await other.server[Symbol.asyncDispose]();
    const reason = await other.reason(other.depot.acquire(request()));
    assert.ok(isFault(reason, "unavailable"));
  });
});

Deno.test("a machine that cannot be reached safely is not handed out", async (t) => {
  const table: Readonly<Record<string, Partial<TestDepotMachine>>> = {
    "no port": { address: "tcp://127.0.0.1" },
    "another scheme": { address: "unix:///run/buildkitd.sock" },
    "no authority": { ca: "" },
    "no certificate": { cert: "" },
    "no key": { key: "" },
  };
  for (const [name, changes] of Object.entries(table)) {
    await t.step(name, async () => {
      await using bench = await Bench.start({ machine: { ...MACHINE, ...changes } });
      assert.ok(isFault(await bench.reason(bench.depot.acquire(request())), "unavailable"));
      assert.match(bench.server.builds[0]?.result ?? "", /^error/);
    });
  }
});

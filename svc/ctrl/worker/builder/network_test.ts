import assert from "node:assert/strict";
import { type Builder, daemonEndpoint } from "../../../../pkg/build/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { Secret } from "../../../../pkg/config/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { Runner } from "../../../../pkg/runner/mod.ts";
import { canStartBuildkit, TestBuildkit } from "../../../../pkg/testkit/buildkit.ts";
import { type NetworkConfig, openBuilderNetwork } from "./network.ts";

const clock = systemClock();
const log = silentLogger();
const BUILT = { kind: "built", image: "i" } as const;
const builder: Builder = { build: () => Promise.resolve(BUILT) };
const DEADLINE_MS = 60_000;

function open(
  daemon: TestBuildkit,
  runner: Runner,
  buildNetwork: NetworkConfig["buildNetwork"] = "isolated",
): Promise<Builder> {
  const config = {
    buildNetwork,
    buildSources: "public",
    restateAdminUrl: "http://127.0.0.1:9070",
    restateUrl: "http://127.0.0.1:8080",
    restateApiKey: undefined,
    buildFilesUrl: undefined,
    buildS3Url: undefined,
    databasePrimary: new Secret("sqlite:///unkey.db"),
    databaseReplica: undefined,
  } as const;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  return openBuilderNetwork(config, {
    builder,
    endpoint: daemonEndpoint(daemon.url),
    clock,
    log,
    runner,
    signal,
  });
}

/** The request does not matter: the builder is not a real one. */
function build(guarded: Builder): ReturnType<Builder["build"]> {
  const content = new Uint8Array();
  return guarded.build({
    context: { entries: [], read: () => ReadableStream.from([]) },
    dockerfile: { path: "Dockerfile", content },
    image: "i",
    labels: {},
    options: { arguments: {}, noCache: false, pull: false },
    secrets: () => Promise.resolve(undefined),
    credentials: () => Promise.resolve(undefined),
    projectId: "p",
    contextKey: "p",
    cacheNamespace: "w",
    signal: AbortSignal.timeout(DEADLINE_MS),
    onEvent: () => undefined,
  });
}

const REACHED = /reaches addresses that no build may reach: 127\.0\.0\.1 \(this worker\).*buildkitd\.yaml/;

function isRefusal(error: unknown): boolean {
  return isFault(error, "failed_precondition") && REACHED.test(error.publicMessage ?? "");
}

Deno.test({
  name: "a worker does not start with a daemon that reaches it, unless the network is trusted",
  ignore: !await canStartBuildkit(),
  fn: async () => {
    await using daemon = await TestBuildkit.start({ plainHttp: [] });
    const runner = new Runner({ log, clock });
    await assert.rejects(open(daemon, runner), isRefusal);
    assert.deepEqual(await build(await open(daemon, runner, "trusted")), BUILT);
    await runner.shutdown();
  },
});

Deno.test({
  name: "a daemon that does not answer at the start is checked later, and builds nothing before",
  ignore: !await canStartBuildkit({ isolated: true }),
  fn: async () => {
    await using daemon = await TestBuildkit.start({ plainHttp: [], isolated: true });
    await daemon.kill();
    const runner = new Runner({ log, clock });
    const guarded = await open(daemon, runner);
    await assert.rejects(build(guarded), (error) => isFault(error, "unavailable"));
    await daemon.resume();
    const deadline = Date.now() + DEADLINE_MS;
    let outcome: unknown;
    while (outcome === undefined && Date.now() < deadline) {
      outcome = await build(guarded).catch(() => undefined);
      await clock.sleep(50);
    }
    assert.deepEqual(outcome, BUILT);
    await runner.shutdown();
  },
});

Deno.test({
  name: "a worker stops when a daemon that answers later reaches it",
  ignore: !await canStartBuildkit(),
  fn: async () => {
    await using daemon = await TestBuildkit.start({ plainHttp: [] });
    await daemon.kill();
    const runner = new Runner({ log, clock });
    await open(daemon, runner);
    await daemon.resume();
    await assert.rejects(runner.wait(AbortSignal.timeout(DEADLINE_MS)), isRefusal);
  },
});

/** Traces of real deploys by `unkey up`: they add up to the time that a person waits. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import type { SpanJson, TraceJson } from "../../cmd/trace/trace_json.ts";
import { type App, buildsSlowly, FAILS_TO_BUILD, serves } from "../testbed/apps.ts";
import { hasCollector, RealCollector } from "../observe/collector.ts";
import { LocalPlatform } from "../testbed/local.ts";
import { eventually } from "../testbed/wait.ts";
import { followed } from "../testbed/timed_command.ts";

/** The part of the time that may be missing. */
const MISSING_MAX = 0.05;
/** The system's own time to start a process and to pass its output on, which no program sees: here on a busy machine. */
const EXEC_MS = 500;

/** The program that calls the command. */
const CALLER = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };

class Shop {
  readonly platform: LocalPlatform;
  #folders = 0;

  constructor(platform: LocalPlatform) {
    this.platform = platform;
  }

  async folder(app: App): Promise<string> {
    const folder = `${this.platform.directory}/app${this.#folders++}`;
    for (const [path, text] of Object.entries(app)) {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, text);
    }
    return folder;
  }

  /** Runs a deploy, and checks that its trace adds up to the time from the command's begin to `until`. */
  async deploy(
    args: readonly string[],
    until: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<TraceJson> {
    const { id, tookMs } = await followed(
      this.platform,
      ["deploy", ...args, "--project", "app"],
      until,
      env,
    );
    const { code, stdout, stderr } = await this.platform.unkey(["trace", id, "--json"]);
    assert.equal(code, 0, stderr);
    const trace: TraceJson = JSON.parse(stdout);
    const text = JSON.stringify(
      trace.spans.map((span) => [span.parent === undefined, span.name, span.tookMs]),
    );
    assert.ok(
      Math.abs(tookMs - trace.tookMs) <= tookMs * MISSING_MAX + EXEC_MS,
      `${trace.tookMs} of ${tookMs} ms`,
    );
    const parts = trace.spans.filter(({ parent, critical }) => parent === undefined && critical);
    assert.deepEqual(holes(parts, trace.startedAt, trace.startedAt + trace.tookMs), [], text);
    assert.equal(sum(trace.shares), trace.tookMs, text);
    return trace;
  }
}

function sum(parts: readonly { readonly tookMs: number }[]): number {
  return parts.reduce((total, { tookMs }) => total + tookMs, 0);
}

/** The times that no span covers, which may overlap: two reporters saw the same moment. */
function holes(spans: readonly SpanJson[], startMs: number, endMs: number): [number, number][] {
  const found: [number, number][] = [];
  let coveredMs = startMs;
  for (const { startedAt, endedAt } of spans.toSorted((a, b) => a.startedAt - b.startedAt)) {
    if (startedAt > coveredMs) found.push([coveredMs, startedAt]);
    coveredMs = Math.max(coveredMs, endedAt);
  }
  return coveredMs < endMs ? [...found, [coveredMs, endMs]] : found;
}

/** Spans without gaps; the builder's steps are those of BuildKit. */
function names({ spans }: TraceJson, parent?: string): string[] {
  const id = spans.find(({ name }) => name === parent)?.id;
  return spans.filter((span) => span.parent === id && !span.gap).map(({ name }) => name);
}

Deno.test("the trace of a deploy adds up to the time that its user waits", async (t) => {
  await using collector = await RealCollector.create();
  const isCollected = await hasCollector();
  if (isCollected) await collector.start();
  await using platform = await LocalPlatform.create();
  platform.settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url;
  await platform.start();
  await oneBuildAtATime(platform);
  const shop = new Shop(platform);
  const folder = await shop.folder(serves("one"));

  await t.step("a build from source, in the trace of the program that calls", async () => {
    const traceparent = `00-${CALLER.traceId}-${CALLER.spanId}-01`;
    const trace = await shop.deploy([folder], "ready", { TRACEPARENT: traceparent });
    assert.equal(trace.traceId, CALLER.traceId);
    assert.deepEqual(
      names(trace).filter((name) => name !== "look for image"),
      ["connect", "pack", "upload", "create", "build", "place", "start", "switch"],
    );
    assert.ok(
      names(trace, "build").some((name) => /^\[2\/2\] COPY www/.test(name)),
      names(trace, "build").join(),
    );
    assert.deepEqual(names(trace, "region"), ["prepare", "start", "health"]);
    assert.equal(trace.before, undefined);
  });

  await t.step("unchanged source", async () => {
    const trace = await shop.deploy([folder], "ready");
    assert.ok(!names(trace).includes("build"));
    assert.match(trace.spans.find(({ name }) => name === "upload")?.detail ?? "", /nothing new/);
    assert.notEqual(trace.before, undefined);
  });

  await t.step("a cached layer is shown as such", async () => {
    const kept = { ...serves("one", ["COPY kept /kept"]), kept: crypto.randomUUID() };
    await shop.deploy([await shop.folder(kept)], "ready");
    const trace = await shop.deploy([await shop.folder({ ...kept, "www/more.html": "more" })], "ready");
    const step = trace.spans.find(({ name }) => /COPY kept/.test(name));
    assert.equal(step?.status, "cached", JSON.stringify(trace.spans));
  });

  await t.step("a prebuilt image", async () => {
    const trace = await shop.deploy(["--image", await platform.prebuilt()], "ready");
    const expected = ["connect", "create", "pin image", "place", "start", "switch"];
    assert.deepEqual(names(trace), expected);
  });

  await t.step("a failed build", async () => {
    const trace = await shop.deploy([await shop.folder(FAILS_TO_BUILD)], "failed");
    assert.equal(trace.outcome, "failed");
    assert.ok(trace.spans.some(({ name, status }) => /RUN echo/.test(name) && status === "failed"));
  });

  await t.step("a wait in the queue, and a build that is cancelled", async () => {
    const slow = await shop.folder(buildsSlowly("slow", 600, crypto.randomUUID()));
    const where = ["--env", "preview", "--branch"];
    const building = shop.deploy([slow, ...where, "first"], "cancelled");
    const act = async (): Promise<TraceJson> => {
      const first = await newest(platform, "building");
      const waiting = shop.deploy([folder, "--no-cache", ...where, "second"], "ready");
      await Promise.all([
        waiting,
        newest(platform, "queued").then(async () => {
          assert.equal((await platform.unkey(["cancel", first, "--yes"])).code, 0);
        }),
      ]);
      return await waiting;
    };
    const [cancelled, waited] = await Promise.all([building, act()]);
    assert.equal(cancelled.outcome, "cancelled");
    assert.ok(cancelled.spans.some(({ name, status }) => name === "build" && status === "failed"));
    const queue = waited.spans.find(({ name }) => name === "queue");
    assert.ok(queue !== undefined && queue.critical && queue.tookMs > 0);
  });

  await t.step({
    name: "a collector has all of them, from the command to the instance, when the platform has stopped",
    ignore: !isCollected,
    fn: async () => {
      await platform.stop();
      const ofCaller = () => collector.spans.filter(({ traceId }) => traceId === CALLER.traceId);
      await eventually("the collector to pass the spans on", () => Promise.resolve(ofCaller().length > 0));
      const spans = ofCaller();
      const root = spans.find(({ parentSpanId }) => parentSpanId === CALLER.spanId);
      const below = (id: string | undefined) => spans.filter(({ parentSpanId }) => parentSpanId === id);
      const parts = new Set(below(root?.spanId).map(({ name }) => name));
      for (const name of ["connect", "pack", "upload", "create", "build", "start", "switch"]) {
        assert.ok(parts.has(name), `${name} in ${[...parts]}`);
      }
      const region = spans.find(({ name }) => name === "region");
      assert.deepEqual(below(region?.spanId).map(({ name }) => name), ["prepare", "start", "health"]);
    },
  });
});

/** The newest deployment, as soon as it has this status. */
async function newest(platform: LocalPlatform, status: string): Promise<string> {
  let id = "";
  await eventually(`a deployment to be ${status}`, async () => {
    const { stdout } = await platform.unkey(["list", "--limit", "1", "--json"]);
    const [deployment] = JSON.parse(stdout).deployments;
    id = deployment?.id ?? "";
    return deployment?.status === status;
  });
  return id;
}

async function oneBuildAtATime({ apiPort, directory }: LocalPlatform): Promise<void> {
  const { serviceToken } = JSON.parse(await Deno.readTextFile(`${directory}/data/state.json`));
  const access = { baseUrl: `http://127.0.0.1:${apiPort}`, token: new Secret(serviceToken) };
  await createRpcClient(AdminService, access).setLimit({ workspaceId: "local", name: "builds", value: 1n });
}

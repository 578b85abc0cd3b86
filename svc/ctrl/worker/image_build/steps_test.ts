import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { packTar } from "modern-tar";
import type { Builder, BuildRequest } from "../../../../pkg/build/mod.ts";
import { systemClock } from "../../../../pkg/clock/mod.ts";
import { isFault } from "../../../../pkg/fault/mod.ts";
import { silentLogger } from "../../../../pkg/logger/mod.ts";
import { type CtrlDatabase, listEventsAfter, moveStatus } from "../../internal/store/mod.ts";
import { seedDeployment, seedProject } from "../../internal/store/testing.ts";
import { transact } from "../../../../pkg/db/mod.ts";
import { memoryDatabase } from "../testing.ts";
import { createBuildSteps } from "./steps.ts";
import type { BuildReport } from "./types.ts";
import { NO_SPANS } from "../../internal/traces/testing.ts";

const FAR_MS = 180_000;

interface Bed {
  readonly db: CtrlDatabase;
  readonly id: string;
  build(
    builder: Builder["build"],
    options?: { deadlineMs?: number; signal?: AbortSignal },
  ): Promise<BuildReport>;
  logs(): Promise<readonly string[]>;
}

const DOCKERFILE = "FROM scratch\n";

async function archiveUrl(files: Readonly<Record<string, string>>): Promise<string> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: body.length },
    body,
  }));
  return `data:application/x-tar;base64,${(await packTar(entries)).toBase64()}`;
}

async function onBed(
  test: (bed: Bed) => Promise<void>,
  { uploaded = true, files = { Dockerfile: DOCKERFILE } }: {
    readonly uploaded?: boolean;
    readonly files?: Readonly<Record<string, string>>;
  } = {},
): Promise<void> {
  const db = await memoryDatabase();
  const url = await archiveUrl(files);
  const clock = systemClock();
  try {
    const { id, project_id, workspace_id } = await seedDeployment(db, await seedProject(db), {
      source: "context",
      image: null,
    });
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "building", nowMs: clock.now() }));
    const objects = {
      head: () => Promise.resolve(uploaded ? { sizeBytes: 7 } : undefined),
      presignGet: () => Promise.resolve(url),
    };
    const job = {
      deploymentId: id,
      workspaceId: workspace_id,
      projectId: project_id,
      contextPath: "p/u.tar.gz",
      dockerfile: "Dockerfile",
    };
    await test({
      db,
      id,
      build: (build, { deadlineMs = clock.now() + FAR_MS, signal = new AbortController().signal } = {}) =>
        createBuildSteps({
          spans: NO_SPANS,
          db,
          clock,
          log: silentLogger(),
          objects,
          builder: { build },
          registryName: "r.example/apps",
          contexts: { temporaryDirectory: tmpdir(), bytesMax: 1_000_000, entriesMax: 100 },
          credentialsOf: () => Promise.resolve(() => Promise.resolve(undefined)),
        })
          .build(job, deadlineMs, signal),
      logs: async () =>
        (await listEventsAfter(db.kysely, id, 0, 1_000)).flatMap(({ payload }) =>
          payload.kind === "log"
            ? payload.lines.map((line) => `${payload.origin}: ${line}`)
            : payload.kind === "notice"
            ? [payload.message]
            : []
        ),
    });
  } finally {
    await db.close();
  }
}

const done = ({ image }: BuildRequest): { kind: "built"; image: string } => ({ kind: "built", image });

Deno.test("a build gets the context, a lower-case name and an id of its own", () =>
  onBed(async ({ build, id }) => {
    let seen: BuildRequest | undefined;
    const report = await build((request) => Promise.resolve(done(seen = request)));
    assert.deepEqual(seen?.context.entries.map(({ path }) => path), ["Dockerfile"]);
    assert.equal(new TextDecoder().decode(seen?.dockerfile.content), DOCKERFILE);
    assert.match(seen?.image ?? "", new RegExp(`^r\\.example/apps/ws_[0-9a-z]+/proj_[0-9a-z]+:${id}$`));
    assert.deepEqual(report, { kind: "built", image: seen?.image, buildId: `${id}.1` });
  }));

/** A user who waits for minutes wants to see what happens meanwhile. */
Deno.test("output arrives in the events while the build runs, in order", () =>
  onBed(async ({ build, logs }) => {
    const name = "[2/2] RUN make";
    const report = await build(async (request) => {
      request.onEvent({ kind: "step", id: "1", name: "[internal] load context", status: "done" });
      request.onEvent({ kind: "step", id: "2", name: "[1/2] FROM base", status: "cached" });
      request.onEvent({ kind: "step", id: "3", name, status: "running" });
      request.onEvent({ kind: "log", stepName: name, lines: ["one", "two"] });
      const deadline = Date.now() + FAR_MS;
      while ((await logs()).length < 3 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.deepEqual(await logs(), ["[1/2] FROM base: cached", `${name}: one`, `${name}: two`]);
      request.onEvent({ kind: "log", stepName: name, lines: ["three"] });
      return done(request);
    });
    assert.equal(report.kind, "built");
    assert.equal((await logs()).at(-1), `${name}: three`);
  }));

Deno.test("a base image that is looked up and then taken from the cache is one line", () =>
  onBed(async ({ build, logs }) => {
    await build((request) => {
      const step = { kind: "step", id: "1", name: "[1/2] FROM base" } as const;
      for (const status of ["running", "done", "cached"] as const) request.onEvent({ ...step, status });
      return Promise.resolve(done(request));
    });
    const lines = await logs();
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /^\[1\/2\] FROM base: done in /);
  }));

Deno.test("a second attempt says so between the lines of the two", () =>
  onBed(async ({ build, logs }) => {
    const attempt: Builder["build"] = (request) => {
      request.onEvent({ kind: "log", stepName: "s", lines: ["line"] });
      return Promise.resolve(done(request));
    };
    await build(attempt);
    const report = await build(attempt);
    assert.deepEqual(await logs(), [
      "s: line",
      "The build was interrupted and has been started again.",
      "s: line",
    ]);
    assert.ok(report.kind === "built" && report.buildId.endsWith(".2"));
  }));

Deno.test("a failing instruction is reported with its output and exit code", () =>
  onBed(async ({ build }) => {
    const report = await build(() =>
      Promise.resolve({
        kind: "failed",
        code: "build_failed",
        message: "The build failed.",
        instruction: "RUN make",
        exitCode: 2,
        lastLines: Array.from({ length: 20 }, (_, index) => `line ${index}`),
      })
    );
    assert.ok(report.kind === "failed" && report.code === "build_failed");
    assert.match(
      report.message,
      /The instruction was "RUN make"\. Its exit code was 2\.\nIts last output:\nline 10\n/,
    );
    assert.ok(report.message.endsWith("line 19"));
  }));

Deno.test("a context that was never uploaded is final and says what to do", () =>
  onBed(async ({ build }) => {
    const report = await build(() => assert.fail("nothing to build"));
    assert.ok(report.kind === "failed" && report.code === "context_missing");
  }, { uploaded: false }));

Deno.test("a context without the Dockerfile is final, and names the path", () =>
  onBed(async ({ build }) => {
    const report = await build(() => assert.fail("nothing to build"));
    assert.ok(report.kind === "failed" && report.code === "dockerfile_missing");
    assert.match(report.message, /"Dockerfile"/);
  }, { files: { "other.txt": "x" } }));

Deno.test("a build that takes too long is stopped and reported as such", () =>
  onBed(async ({ build }) => {
    const waitForever: Builder["build"] = ({ signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason), { once: true })
      );
    const report = await build(waitForever, { deadlineMs: Date.now() + 20 });
    assert.ok(report.kind === "failed" && report.code === "build_timeout");
  }));

/** Only then does the worker that takes over see an attempt that was interrupted, not one that failed. */
Deno.test("a build whose attempt has ended rejects, and keeps the lines it had", () =>
  onBed(async ({ build, logs }) => {
    const stop = new AbortController();
    const building = build(({ signal, onEvent }) => {
      onEvent({ kind: "log", stepName: "s", lines: ["line"] });
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        stop.abort(new Error("the attempt has ended"));
      });
    }, { signal: stop.signal });
    await assert.rejects(building, /the attempt has ended/);
    assert.deepEqual(await logs(), ["s: line"]);
  }));

Deno.test("nothing is built for a deployment that is not building any more", () =>
  onBed(async ({ db, id, build }) => {
    await transact(db, (tx) => moveStatus(tx, { id, from: ["building"], to: "cancelled", nowMs: 1 }));
    await assert.rejects(
      build(() => assert.fail("it was cancelled")),
      (error) => isFault(error, "cancelled"),
    );
  }));

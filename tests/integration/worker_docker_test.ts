/** The build step against a real Docker Engine, with the context behind a signed URL. */
import assert from "node:assert/strict";
import { packTar } from "modern-tar";
import { systemClock } from "../../pkg/clock/mod.ts";
import { Secret } from "../../pkg/config/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { inspectImage, openEngine, removeImage } from "../../pkg/docker/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createFileObjectStore, type FileObjectStore } from "../../pkg/objectstore/mod.ts";
import { BASE_IMAGE, engineAnswers, ensureBaseImage } from "../../pkg/testkit/base_image.ts";
import { listEventsAfter, moveStatus } from "../../svc/ctrl/internal/store/mod.ts";
import { seedDeployment, seedProject } from "../../svc/ctrl/internal/store/fixtures_test.ts";
import { createDockerBuilder } from "../../svc/ctrl/worker/builder_docker.ts";
import { type BuildReport, createBuildSteps } from "../../svc/ctrl/worker/build/steps.ts";
import { memoryDatabase } from "../../svc/ctrl/worker/fixtures_test.ts";

const clock = systemClock();
const KEY = "p/context.tar";

interface Built {
  readonly report: BuildReport;
  readonly lines: readonly string[];
}

/** Builds a context of these files and removes the image again. */
async function build(files: Readonly<Record<string, string>>): Promise<Built> {
  const directory = await Deno.makeTempDir({ prefix: "unkey-build-" });
  const engine = openEngine();
  const db = await memoryDatabase();
  let store: FileObjectStore | undefined;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => undefined },
    async (request) => await store?.handler(request) ?? new Response(null, { status: 404 }),
  );
  try {
    await ensureBaseImage(engine, AbortSignal.timeout(60_000));
    store = createFileObjectStore({
      directory,
      baseUrl: `http://127.0.0.1:${server.addr.port}`,
      signingKey: new Secret("an-integration-test-signing-key-0123456789"),
      sizeMaxBytes: 1_000_000,
      clock,
    });
    const tar = await packTar(
      Object.entries(files).map(([name, body]) => ({ header: { name, size: body.length }, body })),
    );
    const { url, headers } = await store.presignPut(KEY, { sizeBytes: tar.length, expiresInMs: 60_000 });
    const put = await fetch(url, { method: "PUT", headers, body: new Uint8Array(tar) });
    assert.ok(put.ok, await put.text());

    const { id, project_id } = await seedDeployment(db, await seedProject(db), {
      source: "context",
      image: null,
    });
    await transact(db, (tx) => moveStatus(tx, { id, from: ["pending"], to: "building", nowMs: clock.now() }));
    const steps = createBuildSteps({
      db,
      clock,
      log: silentLogger(),
      objects: store,
      builder: createDockerBuilder(engine),
    });
    const job = { deploymentId: id, projectId: project_id, contextPath: KEY, dockerfile: "Dockerfile" };
    const report = await steps.build(job, clock.now() + 120_000, new AbortController().signal);
    if (report.kind === "built") {
      const limit = AbortSignal.timeout(30_000);
      assert.ok(await inspectImage(engine, report.image, limit) !== undefined);
      await removeImage(engine, report.image, limit);
    }
    const events = await listEventsAfter(db.kysely, id, 0, 1_000);
    const lines = events.flatMap(({ payload }) =>
      payload.kind === "log" ? payload.lines.map((line) => `${payload.origin}: ${line}`) : []
    );
    return { report, lines };
  } finally {
    await server.shutdown();
    engine.close();
    await db.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function real(name: string, test: () => Promise<void>): void {
  Deno.test({ name, ignore: !ENGINE, fn: test });
}

const ENGINE = await engineAnswers();

real("a Dockerfile becomes an image, and its output becomes events", async () => {
  const { report, lines } = await build({
    "Dockerfile": `FROM ${BASE_IMAGE}\nRUN echo compiled-${clock.now()}\n`,
  });
  assert.equal(report.kind, "built");
  assert.ok(lines.some((line) => /RUN echo compiled.*: compiled-\d+/.test(line)), lines.join("\n"));
  assert.ok(lines.some((line) => /RUN echo compiled.*: done in/.test(line)), lines.join("\n"));
});

real("a failing instruction is told with its output and its exit code", async () => {
  const { report } = await build({ "Dockerfile": `FROM ${BASE_IMAGE}\nRUN echo so-sad && exit 7\n` });
  assert.ok(report.kind === "failed" && report.code === "build_failed");
  assert.match(report.message, /RUN echo so-sad/);
  assert.match(report.message, /exit code 7/);
  assert.match(report.message, /Its last output:\n.*so-sad/);
});

real("a missing Dockerfile is told as such", async () => {
  const { report } = await build({ "other.txt": "nothing" });
  assert.ok(report.kind === "failed" && report.code === "dockerfile_missing", JSON.stringify(report));
});

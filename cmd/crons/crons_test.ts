import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import type { PauseCronRequest, ResumeCronRequest } from "../../proto/gen/ctrl/v1/cron_pb.ts";
import { access, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const CRON = {
  id: "cron_1",
  name: "cleanup",
  projectSlug: "shop",
  environmentSlug: "production",
  schedule: "@daily",
  timezone: "UTC",
  command: ["true"],
  nextAt: BigInt(Date.parse("2026-03-29T00:00Z")),
};

Deno.test("crons pause and resume say how the cron is after it, and as JSON", async () => {
  const asked: (PauseCronRequest | ResumeCronRequest)[] = [];
  await using api = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    cron: {
      pauseCron(request) {
        asked.push(request);
        if (request.name === "none") throw publicFault("not_found", 'There is no cron "none".');
        return { cron: { ...CRON, nextAt: 0n, pausedAt: 5n } };
      },
      resumeCron(request) {
        asked.push(request);
        return { cron: CRON };
      },
    },
  });
  const env = access(api.url);
  const place = ["--project", "shop", "--env", "production"];
  const paused = await unkey(["crons", "pause", "cleanup", ...place], { env });
  assert.deepEqual([paused.code, paused.stderr], [0, "cron cleanup of shop (production) is paused\n"]);
  const resumed = await unkey(["crons", "resume", "cleanup", ...place], { env });
  assert.equal(resumed.stderr, "cron cleanup of shop (production) runs next at 2026-03-29T00:00Z\n");
  const names = asked.map(({ projectId, environmentSlug, name }) => [projectId, environmentSlug, name]);
  assert.deepEqual(names, Array.from({ length: 2 }, () => ["proj_shop", "production", "cleanup"]));
  const json = onlyJson(await unkey(["crons", "pause", "cleanup", "--json", ...place], { env }));
  assert.partialDeepStrictEqual(json, { id: "cron_1", pausedAt: 5, overlap: "unknown" });
  const missing = await unkey(["crons", "pause", "none", ...place], { env });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^error: There is no cron "none"\.\n/);
});

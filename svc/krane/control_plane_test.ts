import assert from "node:assert/strict";
import { createLogger } from "../../pkg/logger/mod.ts";
import { connectControlPlane } from "./control_plane.ts";
import { deploymentReport } from "./internal/deployment/report.ts";
import { agentConfig } from "./testing_bench.ts";
import { FakePlane } from "./testing_plane.ts";

Deno.test("an address that the control plane refuses is in the agent's log, with the reason, and no failure", async () => {
  await using plane = await FakePlane.start();
  const lines: string[] = [];
  const log = createLogger({ service: "krane", level: "info", write: (line) => void lines.push(line) });
  const client = connectControlPlane(agentConfig(plane.url, "cp", ""), {
    agentId: "agent_1",
    request: fetch,
    log,
  });
  const report = deploymentReport({ name: "app", content: [], generation: 1 }, { spans: [], sentAtMs: 0 });
  const { signal } = new AbortController();
  assert.equal(await client.report(report, signal), undefined);
  assert.deepEqual(lines, []);
  plane.refusedAddresses = [{
    k8sName: "app-0",
    address: "127.0.0.1:80",
    message: "It is not in 10.0.0.0/8.",
  }];
  assert.equal(await client.report(report, signal), undefined);
  const { level, instance, address, reason } = JSON.parse(lines[0] ?? "");
  assert.deepEqual([level, instance, address, reason], [
    "warn",
    "app-0",
    "127.0.0.1:80",
    "It is not in 10.0.0.0/8.",
  ]);
  assert.equal(lines.length, 1);
});

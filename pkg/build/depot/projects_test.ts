import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { isFault } from "../../fault/mod.ts";
import { Bench } from "./testing.ts";

Deno.test("createProject() makes a project with a bounded cache, which listProjects() shows after older ones", async () => {
  await using bench = await Bench.start({ projects: ["older"] });
  const { depot, server } = bench;
  const made = await bench.value(depot.createProject({ name: "unkey-proj_1", region: "eu-central-1" }));
  assert.deepEqual([made.name, made.region], ["unkey-proj_1", "eu-central-1"]);
  const { keepGb, keepDays } = server.projects.at(-1) ?? {};
  assert.deepEqual([keepGb, keepDays], [50, 14]);
  const listed = await bench.value(depot.listProjects());
  assert.deepEqual(listed.map(({ id }) => id), ["older", made.id]);
  await bench.value(depot.deleteProject(made.id));
  assert.deepEqual(server.projects.map(({ id }) => id), ["older"]);
});

Deno.test("calls about projects fail with the advice for what Depot refuses", async () => {
  await using bench = await Bench.start();
  const { depot, server } = bench;
  server.refuse("createProject", Code.ResourceExhausted);
  const limit = await bench.reason(depot.createProject({ name: "one-too-many", region: "us-east-1" }));
  assert.ok(isFault(limit, "rate_limited"));
  assert.match(limit.publicMessage ?? "", /^No Depot project: A limit/);
  const missing = await bench.reason(depot.deleteProject("gone"));
  assert.ok(isFault(missing, "not_found"));
  server.refuse("listProjects", Code.Unavailable, 2);
  assert.equal((await bench.value(depot.listProjects())).length, 1);
});

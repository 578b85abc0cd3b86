import assert from "node:assert/strict";
import { publicFault } from "../../pkg/fault/mod.ts";
import { access, onlyFailure, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";
import { controlPlane } from "./testing.ts";

Deno.test("environments create prints the id alone, and the next command beside it", async () => {
  await using api = await controlPlane();
  const { stdout, stderr } = await api.run(["environments", "create", "qa"]);
  assert.equal(stdout, "env_qa\n");
  assert.match(stderr, /unkey deploy --env qa/);
  assert.deepEqual(onlyJson(await api.run(["environments", "create", "qa", "--json"])), {
    id: "env_qa",
    slug: "qa",
    project: "shop",
  });
});

Deno.test("environments create passes on why the control plane refused, and sends the description", async () => {
  const descriptions: string[] = [];
  await using server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    environment: {
      createEnvironment({ description }) {
        descriptions.push(description);
        throw publicFault("already_exists", 'There is an environment "qa" already.');
      },
    },
  });
  const args = ["environments", "create", "qa", "--description", "for QA", "--json"];
  const result = await unkey(args, { env: access(server.url) });
  assert.equal(result.code, 1);
  assert.deepEqual(onlyFailure(result), {
    error: { code: "already_exists", message: 'There is an environment "qa" already.' },
    exitCode: 1,
  });
  assert.deepEqual(descriptions, ["for QA"]);
});

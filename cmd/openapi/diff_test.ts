import assert from "node:assert/strict";
import { access, deploymentOf, onlyJson, startControlPlane, unkey } from "../shared/testing.ts";

const BREAKING = {
  id: "new-required-request-parameter",
  text: "the required query parameter 'currency' was added",
  level: 3,
  operation: "GET",
  operationId: "listPrices",
  path: "/prices",
};
const NOTE = {
  id: "endpoint-added",
  text: "the operation was added",
  level: 1,
  operation: "GET",
  path: "/new",
};

/** A control plane whose live deployment is d_live; `changes` are those of every comparison. */
function controlPlane(changes: readonly object[]) {
  const asked: string[] = [];
  const api = startControlPlane({
    deployment: {
      getDeployment: ({ deploymentId: id }) => ({
        deployment: deploymentOf({ id, environmentLiveDeploymentId: id === "d_first" ? "" : "d_live" }),
      }),
    },
    openapi: {
      getOpenApiDiff({ oldDeploymentId, newDeploymentId }) {
        asked.push(`${oldDeploymentId} ${newDeploymentId}`);
        return {
          summary: {
            diff: changes.length > 0,
            details: { endpoints: { added: 1, deleted: 0, modified: 1 } },
          },
          hasBreakingChanges: changes.includes(BREAKING),
          changes: [...changes],
        };
      },
    },
  });
  return { api, asked };
}

Deno.test("openapi diff prints each change, and says how many break clients", async () => {
  const { api, asked } = controlPlane([BREAKING, NOTE]);
  await using running = await api;
  const { code, stdout, stderr } = await unkey(["openapi", "diff", "d_1", "d_2"], {
    env: access(running.url),
  });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `LEVEL     METHOD  PATH     CHANGE
breaking  GET     /prices  the required query parameter 'currency' was added
info      GET     /new     the operation was added

2 changes: 1 breaking, 0 that may break some clients, 1 for information
`,
  );
  assert.deepEqual(asked, ["d_1 d_2"]);
});

Deno.test("openapi diff of one deployment compares it with the live one", async () => {
  const { api, asked } = controlPlane([]);
  await using running = await api;
  const env = access(running.url);
  const { stdout } = await unkey(["openapi", "diff", "d_2"], { env });
  assert.deepEqual([stdout, asked], ["the documents are the same\n", ["d_live d_2"]]);
  const live = await unkey(["openapi", "diff", "d_live"], { env });
  assert.deepEqual([live.code, /d_live is the live deployment/.test(live.stderr)], [1, true], live.stderr);
  const first = await unkey(["openapi", "diff", "d_first"], { env });
  assert.deepEqual(
    [first.code, /Nothing is live in "production"/.test(first.stderr)],
    [1, true],
    first.stderr,
  );
});

Deno.test("openapi diff --fail-on exits with 1 from its level on, after the output", async (t) => {
  const cases = [
    ["breaking", [BREAKING], 1],
    ["breaking", [{ ...NOTE, level: 2 }], 0],
    ["warning", [{ ...NOTE, level: 2 }], 1],
    ["warning", [NOTE], 0],
    ["never", [BREAKING], 0],
  ] as const;
  for (const [level, changes, expected] of cases) {
    await t.step(`${level}: ${changes.map((each) => each.level).join()}`, async () => {
      const { api } = controlPlane(changes);
      await using running = await api;
      const args = ["openapi", "diff", "d_1", "d_2", "--fail-on", level];
      const { code, stdout } = await unkey(args, { env: access(running.url) });
      assert.deepEqual([code, stdout.includes("1 change:")], [expected, true]);
    });
  }
});

Deno.test("openapi diff --json has the deployments, the counts and each change", async () => {
  const { api } = controlPlane([BREAKING]);
  await using running = await api;
  const result = await unkey(["openapi", "diff", "d_1", "d_2", "--json"], { env: access(running.url) });
  const none = { added: 0, deleted: 0, modified: 0 };
  assert.deepEqual(onlyJson(result), {
    former: "d_1",
    current: "d_2",
    differs: true,
    breaking: true,
    endpoints: { added: 1, deleted: 0, modified: 1 },
    paths: none,
    schemas: none,
    changes: [{ ...BREAKING, level: "breaking" }],
  });
});

import assert from "node:assert/strict";
import type { ListAuditLogRequest } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { access, NOW, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

const CREATE = {
  id: "audit_2",
  createdAt: BigInt(NOW - 60_000),
  actorKind: "root_key",
  actorId: "key_1",
  actorName: "ci",
  action: "deployment.create",
  resourceType: "deployment",
  resourceId: "d_1",
  projectId: "proj_shop",
  environmentId: "env_1",
  factsJson: '{"branch":"main","names":["A","B"]}',
};
const SUPERSEDE = {
  id: "audit_1",
  createdAt: BigInt(NOW - 120_000),
  actorKind: "system",
  actorName: "queue",
  action: "deployment.supersede",
  resourceType: "deployment",
  resourceId: "d_0",
  factsJson: "{}",
};

function controlPlane(requests: ListAuditLogRequest[] = []) {
  const all = [CREATE, SUPERSEDE];
  return startControlPlane({
    admin: {
      listProjects: () => ({ projects: [SHOP] }),
      listAuditLog(request) {
        requests.push(request);
        const start = request.pageToken === "" ? 0 : Number(request.pageToken);
        const end = start + Math.min(request.pageSize, 1);
        return { entries: all.slice(start, end), nextPageToken: end < all.length ? String(end) : "" };
      },
    },
  });
}

Deno.test("audit prints the entries of all pages", async () => {
  await using api = await controlPlane();
  const { code, stdout, stderr } = await unkey(["audit"], { env: access(api.url) });
  assert.equal(code, 0, stderr);
  assert.equal(
    stdout,
    `AGE  WHO            ACTION                WHAT  DETAILS
1m   ci (key_1)     deployment.create     d_1   branch=main names=A,B
2m   system: queue  deployment.supersede  d_0   -
`,
  );
});

Deno.test("audit filters by its flags, and resumes behind a limited list", async () => {
  const requests: ListAuditLogRequest[] = [];
  await using api = await controlPlane(requests);
  const flags = ["--project", "shop", "--deployment", "d_1", "--action", "deployment.create", "--limit", "1"];
  const result = await unkey(["audit", "--json", ...flags], { env: access(api.url) });
  assert.deepEqual(onlyJson(result), {
    entries: [{
      id: "audit_2",
      createdAt: NOW - 60_000,
      actor: { kind: "root_key", id: "key_1", name: "ci" },
      action: "deployment.create",
      resource: { type: "deployment", id: "d_1" },
      projectId: "proj_shop",
      environmentId: "env_1",
      facts: { branch: "main", names: ["A", "B"] },
    }],
    nextPageToken: "1",
  });
  const [{ projectId, deploymentId, action, pageSize } = {}] = requests;
  assert.deepEqual([projectId, deploymentId, action, pageSize], ["proj_shop", "d_1", "deployment.create", 1]);
  const rest = await unkey(["audit", "--json", "--page-token", "1"], { env: access(api.url) });
  assert.match(rest.stdout, /"actor":\{"kind":"system","name":"queue"\}/);
});

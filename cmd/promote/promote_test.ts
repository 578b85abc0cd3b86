import assert from "node:assert/strict";
import { SwitchPath } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, onlyJson, SHOP, startControlPlane, unkey } from "../shared/testing.ts";

async function controlPlane(from: string) {
  const seen: string[] = [];
  const switched = {
    projectSlug: "shop",
    environmentSlug: "production",
    fromDeploymentId: from,
    toDeploymentId: "d_3",
    path: SwitchPath.INSTANT,
    hostnames: ["shop-acme.localhost"],
    urls: ["http://shop-acme.localhost:7070"],
  };
  const server = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    deployment: {
      getDeployment: ({ deploymentId }) => ({ deployment: deploymentOf({ id: deploymentId }) }),
      listDeployments: () => ({ deployments: [deploymentOf({ id: "d_3" })] }),
      planPromote: ({ targetDeploymentId }) => {
        seen.push(`plan ${targetDeploymentId}`);
        return { plan: switched };
      },
      promote: ({ targetDeploymentId }) => {
        seen.push(`promote ${targetDeploymentId}`);
        return { switched: { ...switched, tookMs: 12_345n } };
      },
    },
  });
  return { server, seen };
}

Deno.test("promote names both deployments", async () => {
  const { server, seen } = await controlPlane("d_2");
  await using _server = server;
  const result = await unkey(["promote", "d_3", "--yes"], { env: access(server.url) });
  assert.deepEqual(result, {
    code: 0,
    stdout: "promoted d_3 in shop/production, d_2 before (instant, 12 s): http://shop-acme.localhost:7070\n",
    stderr: "",
  });
  await unkey(["promote", "shop", "--plan"], { env: access(server.url) });
  assert.deepEqual(seen, ["plan d_3", "promote d_3", "plan d_3"]);
  const json = onlyJson(await unkey(["promote", "d_3", "--yes", "--json"], { env: access(server.url) }));
  assert.deepEqual(json, {
    project: "shop",
    environment: "production",
    from: "d_2",
    to: "d_3",
    path: "instant",
    rolledBack: false,
    hostnames: ["shop-acme.localhost"],
    urls: ["http://shop-acme.localhost:7070"],
    tookMs: 12_345,
  });
});

Deno.test("promote of the live deployment accepts the rollback to it", async () => {
  const { server } = await controlPlane("d_3");
  await using _server = server;
  const plan = await unkey(["promote", "d_3", "--plan"], { env: access(server.url) });
  assert.equal(plan.stdout, "would accept d_3 in shop/production: new deployments go live again\n");
  const { stdout } = await unkey(["promote", "d_3", "--yes"], { env: access(server.url) });
  assert.equal(stdout, "accepted d_3 in shop/production: new deployments go live again (instant, 12 s)\n");
});

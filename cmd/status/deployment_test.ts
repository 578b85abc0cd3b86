import assert from "node:assert/strict";
import { DeploymentStatus } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { access, deploymentOf, NOW, startControlPlane, unkey } from "../shared/testing.ts";

Deno.test("status and list say why and when a preview ended, and what starts it again", async () => {
  const deployment = deploymentOf({
    id: "d_old",
    status: DeploymentStatus.STOPPED,
    environmentSlug: "preview",
    live: false,
    stop: { reason: "no_requests", message: "It got no request for 7 days.", at: BigInt(NOW - 7_200_000) },
  });
  await using server = await startControlPlane({
    deployment: {
      getDeployment: () => ({ deployment }),
      listInstances: () => ({ instances: [] }),
      listDeployments: () => ({ deployments: [deployment] }),
    },
  });
  const env = access(server.url);
  const { stdout } = await unkey(["status", "d_old"], { env });
  assert.match(
    stdout,
    /^stopped +2h ago: It got no request for 7 days\. "unkey start d_old" starts it again\.$/m,
  );
  assert.match((await unkey(["list"], { env })).stdout, /^d_old .* stopped \(no requests\) /m);
  const stop = { reason: "no_requests", message: "It got no request for 7 days.", at: NOW - 7_200_000 };
  const json = (await unkey(["status", "d_old", "--json"], { env })).stdout;
  assert.deepEqual(JSON.parse(json).stop, stop);
});

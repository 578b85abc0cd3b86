import { Code, ConnectError } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { DeploymentStatus } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { DEPLOY_EXIT } from "./exit_codes.ts";
import { deploy, resultOf, startParts } from "./testing.ts";

Deno.test("a failed deploy names the live deployment", async (t) => {
  const url = "http://shop-acme.localhost:7070";
  const cases: readonly {
    readonly name: string;
    readonly liveId: string;
    /** Of the live one; it cannot be read without. */
    readonly urls?: readonly string[];
    /** The look-ups that get no answer. */
    readonly lost?: number;
    readonly live: unknown;
    readonly says: RegExp;
  }[] = [
    {
      name: "with the name that people use",
      liveId: "d_0",
      urls: [url, "http://shop-d-0.localhost:7070"],
      live: { id: "d_0", urls: [url, "http://shop-d-0.localhost:7070"] },
      says: /error: It exited with 7\n {3}live now: d_0, http:\/\/shop-acme\.localhost:7070\n$/,
    },
    { name: "nothing", liveId: "", live: undefined, says: /error: It exited with 7\n$/ },
    {
      name: "one that cannot be read",
      liveId: "d_0",
      live: { id: "d_0", urls: [] },
      says: /error: It exited with 7\n {3}live now: d_0\n$/,
    },
  ];
  for (const { name, liveId: environmentLiveDeploymentId, urls, lost = 0, live, says } of cases) {
    await t.step(name, async () => {
      let left = lost;
      const { FAILED: status } = DeploymentStatus;
      const failed = {
        failureCode: "crash_loop",
        errorMessage: "It exited with 7",
        environmentLiveDeploymentId,
      };
      await using parts = await startParts({
        streams: [{ events: [] }],
        deployment: {
          getDeployment: ({ deploymentId: id }) => {
            if (id === "d_1") return { deployment: { id, status, ...failed } };
            if (urls === undefined || left-- > 0) throw new ConnectError("restarting", Code.Unavailable);
            return { deployment: { id, urls: [...urls] } };
          },
        },
      });
      const deployed = await deploy({ url: parts.plane.url, args: ["--json"] });
      assert.deepEqual(resultOf(deployed).live, live);
      assert.match(deployed.stderr, says);
      assert.equal(deployed.code, DEPLOY_EXIT.start);
    });
  }
});

import assert from "node:assert/strict";
import { unkey } from "../../../cmd/shared/testing.ts";
import { requestIdOf } from "../../../pkg/fault/mod.ts";
import { fromConnectError } from "../../../pkg/rpc/mod.ts";
import { DeploymentService } from "../../../proto/gen/ctrl/v1/deployment_pb.ts";
import { startApi } from "../../../svc/ctrl/services/testing.ts";

Deno.test("a failed command shows the request id that the api logged", async (t) => {
  await using api = await startApi();
  const { rootKey } = await api.tenant("acme");
  const env = { UNKEY_API_BASE_URL: api.url, UNKEY_ROOT_KEY: rootKey };
  const failing: Readonly<Record<string, readonly string[]>> = {
    "a call": ["status", "d_none"],
    "a call whose failure gets a code of its own": ["promote", "d_none", "--yes"],
    "the create of a deployment": ["deploy", "--image", "", "--project", "shop"],
    "a redeploy": ["redeploy", "d_none"],
  };
  for (const [name, args] of Object.entries(failing)) {
    await t.step(name, async () => {
      const { stdout, stderr } = await unkey([...args, "--json"], { env });
      const id: unknown = JSON.parse(stdout).error.request_id;
      assert.ok(typeof id === "string" && id.startsWith("req_"), stdout);
      assert.ok(stderr.endsWith(`   request id: ${id}\n`), stderr);
      const logged = api.lines.filter((line) => JSON.parse(line)["request_id"] === id);
      assert.equal(logged.length, 1, "one line of the log has the id");
    });
  }
  await t.step("a stream", async () => {
    const client = api.client(DeploymentService, rootKey);
    const stream = client.watchDeploymentEvents({ deploymentId: "d_none" })[Symbol.asyncIterator]();
    const failure = await stream.next().then(() => assert.fail("it must fail"), fromConnectError);
    const id = requestIdOf(failure) ?? assert.fail("the failure has no request id");
    assert.equal(api.lines.filter((line) => line.includes(id)).length, 1);
  });
  await t.step(
    "a key that is not known: shown, and not logged, or strangers could fill the log",
    async () => {
      const before = api.lines.length;
      const { stdout } = await unkey(["list", "--json"], { env: { ...env, UNKEY_ROOT_KEY: "unkey_wrong" } });
      assert.match(JSON.parse(stdout).error.request_id, /^req_/);
      assert.equal(api.lines.length, before);
    },
  );
});

/** Variables on the way of the original: encrypted in the agent's message, and given to the pod that shows them. */
import { fromJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient, serveRpc } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { type ApplyDeployment, ClusterService } from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import { SecretsConfigSchema } from "../../proto/gen/ctrl/v1/secrets_pb.ts";
import { SecretsService } from "../../proto/gen/krane/v1/secrets_pb.ts";
import { VaultService } from "../../proto/gen/vault/v1/vault_pb.ts";
import {
  clock,
  deployImage,
  eachRefused,
  place,
  SERVICE_TOKEN,
  startApi,
  type TestApi,
} from "../../svc/ctrl/services/testing.ts";
import { decodeApply } from "../../svc/krane/internal/deployment/desired.ts";
import { secretsHandler } from "../../svc/krane/internal/secrets/handler.ts";

const VARIABLES = { DATABASE_URL: "postgres://app:s3cret@db/shop", EMPTY: "", TEXT: "\ufeffa\n\u{1f600}" };
const REGION = "local.dev";

/** A deployment with variables, as its region's agent gets it. */
async function applied(
  api: TestApi,
  slug: string,
  variables: Readonly<Record<string, string>>,
): Promise<ApplyDeployment> {
  const tenant = await api.tenant(slug);
  const { projectId, rootKey } = tenant;
  await api.client(AdminService, rootKey).setEnvironmentVariables({
    projectId,
    environmentSlug: "production",
    variables,
  });
  const deploymentId = await deployImage(api, tenant);
  await place(api, tenant, deploymentId);
  const agent = api.client(ClusterService, await api.regionToken(REGION));
  const headers = { "x-krane-region": REGION };
  const read = async () => (await agent.getDesiredDeploymentState({ deploymentId }, { headers })).state;
  const [first, second] = [await read(), await read()];
  assert.ok(first.case === "apply" && second.case === "apply");
  const { encryptedEnvironmentVariables: blob } = first.value;
  assert.deepEqual(second.value.encryptedEnvironmentVariables, blob, "the same bytes each time");
  return first.value;
}

Deno.test("an agent of the original gets the variables encrypted, and the vault opens them", async () => {
  await using api = await startApi();
  const { encryptedEnvironmentVariables: blob, environmentId } = await applied(api, "acme", VARIABLES);
  const text = new TextDecoder().decode(blob);
  assert.ok(!text.includes("s3cret"));
  const { secrets } = fromJsonString(SecretsConfigSchema, text);
  assert.deepEqual(Object.keys(secrets).sort(), Object.keys(VARIABLES).sort());
  const vault = api.client(VaultService, SERVICE_TOKEN);
  const opened = await vault.decryptBulk({ keyring: environmentId, items: secrets, idsAreNames: true });
  assert.deepEqual(opened.items, VARIABLES);
  const none = await applied(api, "bare", {});
  assert.equal(none.encryptedEnvironmentVariables.length, 0);
});

Deno.test("an agent answers a pod that shows its encrypted variables, and no other one", async (t) => {
  await using api = await startApi();
  const mine = await applied(api, "acme", VARIABLES);
  const other = await applied(api, "umbrella", { KEY: "other" });
  const desired = new Map([mine, other].map((apply) => [apply.k8sName, decodeApply(apply)]));
  const pods = new Map(
    Object.entries({ mine, other }).map(([token, apply]) => [token, {
      deploymentName: apply.k8sName,
      deploymentId: apply.deploymentId,
      environmentId: apply.environmentId,
    }]),
  );
  const server = await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "",
    log: silentLogger(),
    clock,
    mount: (router) =>
      router.service(
        SecretsService,
        secretsHandler({
          identify: (token) => Promise.resolve(pods.get(token)),
          find: (name) => desired.get(name),
        }),
      ),
  });
  try {
    const pod = createRpcClient(SecretsService, { baseUrl: `http://127.0.0.1:${server.port}` });
    const { deploymentId, environmentId, encryptedEnvironmentVariables: encryptedBlob } = mine;
    const right = { token: "mine", deploymentId, environmentId, encryptedBlob };
    assert.deepEqual((await pod.decryptSecretsBlob(right)).envVars, VARIABLES);
    assert.deepEqual(
      (await pod.decryptSecretsBlob({ ...right, encryptedBlob: new Uint8Array() })).envVars,
      VARIABLES,
    );
    const changed = encryptedBlob.with(20, (encryptedBlob[20] ?? 0) ^ 1);
    // The same answer for all, so that nothing is learnt from it.
    const text = /^Credentials are missing or not valid\.$/;
    const wrong: Record<string, Partial<typeof right>> = {
      "no token": { token: "" },
      "an unknown token": { token: "nobody" },
      "another pod's token": { token: "other" },
      "another deployment": { deploymentId: other.deploymentId },
      "another environment": { environmentId: other.environmentId },
      "another deployment's variables": { encryptedBlob: other.encryptedEnvironmentVariables },
      "changed variables": { encryptedBlob: changed },
      "a part of them": { encryptedBlob: encryptedBlob.slice(0, -1) },
    };
    await eachRefused(
      t,
      Object.entries(wrong).map(([name, change]) => [
        name,
        () => pod.decryptSecretsBlob({ ...right, ...change }),
        Code.Unauthenticated,
        text,
      ]),
    );
  } finally {
    await server.shutdown();
  }
});

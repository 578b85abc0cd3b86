/** The REST routes of a real api process, asked by schemathesis for what their document allows and forbids. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { systemClock } from "../../pkg/clock/mod.ts";
import { transact } from "../../pkg/db/mod.ts";
import { silentLogger } from "../../pkg/logger/mod.ts";
import { createRpcClient } from "../../pkg/rpc/mod.ts";
import { AdminService } from "../../proto/gen/ctrl/v1/admin_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { moveStatus, openCtrlDatabase } from "../../svc/ctrl/internal/store/mod.ts";
import { hasSchemathesis, Schemathesis } from "../testbed/schemathesis.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, freePort } from "../testbed/wait.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const SERVICE_TOKEN = "rest-fuzz-test-token-0123456789abcdef";
const EXAMPLES_MAX = 8;
/** A stream goes on until its client leaves, and a fuzzer waits for its end. */
const ENDLESS = ["streamLogs", "streamEvents"];

Deno.test({
  name: "REST answers as its document says to generated requests",
  ignore: !await hasSchemathesis(),
  fn: async () => {
    const directory = await Deno.makeTempDir({ prefix: "unkey-rest-fuzz-" });
    const url = `http://127.0.0.1:${freePort()}`;
    const api = new Part({
      name: "api",
      command: Deno.execPath(),
      args: ["run", "-A", "--quiet", "--no-check", MAIN, "ctrl", "api"],
      env: () => ({
        UNKEY_HTTP_HOST: "127.0.0.1",
        UNKEY_HTTP_PORT: new URL(url).port,
        UNKEY_DATABASE_PRIMARY: `sqlite:${directory}/ctrl.db`,
        UNKEY_AUTH_TOKEN: SERVICE_TOKEN,
        UNKEY_VAULT_MASTER_KEYS: btoa("0123456789abcdef0123456789abcdef"),
        UNKEY_RESTATE_INGRESS_URL: "http://127.0.0.1:1",
        UNKEY_BUILD_FILES_DIR: `${directory}/objects`,
      }),
      logFile: `${directory}/api.log`,
      ready: () => answersOk(`${url}/health/ready`),
    });
    try {
      await api.start();
      const { key, projectId, deploymentId } = await seed(url);
      await endDeploy(`sqlite:${directory}/ctrl.db`, deploymentId);
      const document: unknown = await (await fetch(`${url}/v2/openapi.json`)).json();
      const fuzzer = new Schemathesis({ directory, url, key, examplesMax: EXAMPLES_MAX });
      const known = { projectId: [projectId, "proj_unknown"], deploymentId: [deploymentId, "d_unknown"] };
      const { code, report } = await fuzzer.run(narrow(document, known), ENDLESS);
      assert.equal(code, 0, report);
      assert.doesNotMatch(await Deno.readTextFile(`${directory}/api.log`), /"level":"error"/);
    } finally {
      await api.kill("SIGTERM");
      await Deno.remove(directory, { recursive: true });
    }
  },
});

/** Ends a deploy as the worker would: there is none, and a cancel of one that goes on would ask for it. */
async function endDeploy(databaseUrl: string, id: string): Promise<void> {
  const [log, clock] = [silentLogger(), systemClock()];
  const db = await openCtrlDatabase(new Secret(databaseUrl), { migrate: false, log, clock });
  try {
    const end = { id, from: ["pending"], to: "failed", nowMs: clock.now() } as const;
    assert.ok(await transact(db, (tx) => moveStatus(tx, end)));
  } finally {
    await db.close();
  }
}

/** A workspace with a project, and a deployment of it that waits for a worker. */
async function seed(url: string) {
  const service = createRpcClient(AdminService, { baseUrl: url, token: new Secret(SERVICE_TOKEN) });
  const { workspaceId } = await service.createWorkspace({ slug: "fuzz" });
  const { key } = await service.createRootKey({ workspaceId, permissions: ["*"] });
  const { project } = await service.createProject({ workspaceId, slug: "shop" });
  const projectId = project?.id ?? "";
  const deployments = createRpcClient(DeploymentService, { baseUrl: url, token: new Secret(key) });
  const { deploymentId } = await deployments.createDeployment({
    projectId,
    environmentSlug: "production",
    source: { case: "dockerImage", value: "nginx:1.29" },
  });
  return { key, projectId, deploymentId };
}

/** The document with ids of bodies that are there, so that requests come to the use cases behind the look-ups. */
function narrow(document: unknown, known: Readonly<Record<string, readonly string[]>>): string {
  return JSON.stringify(document, (_name, value) => {
    // Bodies refuse further fields; answers may get some.
    if (value?.additionalProperties !== false || value.properties === undefined) return value;
    const ids = Object.entries(known).filter(([name]) => Object.hasOwn(value.properties, name))
      .map(([name, each]) => [name, { type: "string", enum: each }]);
    return { ...value, properties: { ...value.properties, ...Object.fromEntries(ids) } };
  });
}

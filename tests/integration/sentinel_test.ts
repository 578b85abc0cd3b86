import assert from "node:assert/strict";
import { transact } from "../../pkg/db/mod.ts";
import {
  ClusterService,
  ReportDeploymentStatusRequest_Update_Instance_Status as Status,
} from "../../proto/gen/ctrl/v1/cluster_pb.ts";
import {
  clock,
  deployImage,
  place,
  sentinelToken,
  startApi,
  type Tenant,
  type TestApi,
} from "../../svc/ctrl/services/testing.ts";
import { assignRoutes, findDeployment } from "../../svc/ctrl/internal/store/mod.ts";
import { Part } from "../testbed/process.ts";
import { answersOk, eventually, freePort } from "../testbed/wait.ts";
import { Wire } from "../../pkg/proxy/testing_wire.ts";
import { MAIN } from "../../pkg/testkit/program.ts";

const REGION = "local.dev";

/** Deployments that answer with their id, and whose names lead to them. */
class Apps implements AsyncDisposable {
  readonly #api: TestApi;
  readonly #servers: Deno.HttpServer[] = [];

  constructor(api: TestApi) {
    this.#api = api;
  }

  async run(tenant: Tenant, hostname: string, environment = "production"): Promise<string> {
    const id = await deployImage(this.#api, tenant, environment);
    await place(this.#api, tenant, id, REGION);
    const row = await findDeployment(this.#api.db.kysely, id);
    assert.ok(row !== undefined);
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => undefined },
      (request) => new Response(`${id} ${new URL(request.url).pathname}`),
    );
    this.#servers.push(server);
    const instance = {
      k8sName: `${row.k8s_name}-0`,
      address: `127.0.0.1:${server.addr.port}`,
      status: Status.RUNNING,
    };
    const agent = this.#api.client(ClusterService, await this.#api.regionToken(REGION));
    await agent.reportDeploymentStatus({
      change: { case: "update", value: { k8sName: row.k8s_name, generation: 1n, instances: [instance] } },
    });
    await transact(this.#api.db, (tx) =>
      assignRoutes(tx, {
        routes: [{ hostname, sticky: "environment" }],
        deploymentId: id,
        environmentId: row.environment_id,
        projectId: tenant.projectId,
        workspaceId: tenant.workspaceId,
        nowMs: clock.now(),
      }));
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.shutdown()));
  }
}

async function startSentinel(api: TestApi, token: string): Promise<{ port: number; part: Part }> {
  const port = freePort();
  const part: Part = new Part({
    name: "unkey sentinel",
    command: Deno.execPath(),
    args: ["run", "-A", "--quiet", MAIN, "sentinel", "--http-port", String(port), "--http-host", "127.0.0.1"],
    env: () => ({
      UNKEY_CONTROL_PLANE_URL: api.url,
      UNKEY_CONTROL_PLANE_BEARER: token,
      UNKEY_REGION: REGION,
      UNKEY_ENVIRONMENT_ID: "env_of_the_test",
    }),
    logFile: await Deno.makeTempFile({ prefix: "unkey-sentinel-", suffix: ".log" }),
    ready: () => answersOk(`http://127.0.0.1:${port}/_unkey/internal/health`),
  });
  await part.start();
  return { port, part };
}

async function ask(port: number, host: string, headers: readonly string[] = []): Promise<string> {
  using wire = await Wire.connect(port);
  const fields = [`Host: ${host}`, "Connection: close", ...headers];
  await wire.send(`GET /path HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`);
  const { text } = await wire.toEnd();
  return `${text.slice(9, 12)} ${text.slice(text.indexOf("\r\n\r\n") + 4).trim()}`;
}

Deno.test("unkey sentinel serves its environment by host and by deployment, and no other", async () => {
  await using api = await startApi();
  await using apps = new Apps(api);
  const [acme, globex] = [await api.tenant("acme"), await api.tenant("globex")];
  const old = await apps.run(acme, "shop.test");
  const live = await apps.run(acme, "shop.test");
  const preview = await apps.run(acme, "preview.test", "preview");
  const foreign = await apps.run(globex, "foreign.test");
  const { port, part } = await startSentinel(api, await sentinelToken(api, acme));
  try {
    assert.equal(await ask(port, "shop.test"), `200 ${live} /path`);
    assert.equal(await ask(port, "anything", [`X-Deployment-Id: ${live}`]), `200 ${live} /path`);
    assert.equal(await ask(port, "shop.test", [`X-Deployment-Id: ${old}`]), `200 ${old} /path`, "an old one");
    assert.match(await ask(port, "preview.test"), /^404 .*unknown_host/);
    assert.match(await ask(port, "foreign.test"), /^404 .*unknown_host/);
    for (const hidden of [preview, foreign, "d_none"]) {
      const header = [`X-Deployment-Id: ${hidden}`];
      assert.match(await ask(port, "shop.test", header), /^404 .*unknown_deployment/, hidden);
    }
    const twice = [`X-Deployment-Id: ${live}`, `X-Deployment-Id: ${old}`];
    assert.match(await ask(port, "shop.test", twice), /^400/);

    const next = await apps.run(acme, "shop.test");
    await eventually("the switch to be seen", async () => (await ask(port, "shop.test")).includes(next));
    // Without its control plane it goes on with what it knows.
    await api.stop();
    assert.equal(await ask(port, "shop.test"), `200 ${next} /path`);
  } finally {
    await part.kill("SIGTERM");
  }
});

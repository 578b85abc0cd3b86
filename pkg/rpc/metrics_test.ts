import assert from "node:assert/strict";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { CtrlService } from "../../proto/gen/ctrl/v1/ctrl_pb.ts";
import { DeploymentService } from "../../proto/gen/ctrl/v1/deployment_pb.ts";
import { systemClock } from "../clock/mod.ts";
import { Fault } from "../fault/mod.ts";
import { silentLogger } from "../logger/mod.ts";
import { type TestMetrics, testMetrics } from "../metrics/testing.ts";
import { type RpcServer, serveRpc } from "./mod.ts";

const clock = systemClock();
const STREAM = "ctrl.v1.DeploymentService/WatchDeploymentEvents";

async function serve(test: TestMetrics): Promise<RpcServer> {
  return await serveRpc({
    hostname: "127.0.0.1",
    port: 0,
    portSetting: "--http-port",
    clock,
    log: silentLogger(),
    metrics: test.metrics,
    admit: ({ requestHeader }) => {
      if (requestHeader.get("authorization") === null) throw new Fault("unauthenticated", "no token");
    },
    mount: (router) => {
      router.service(CtrlService, { liveness: () => ({ status: "ok" }) });
      router.service(DeploymentService, {
        getDeployment: () => Promise.reject(new Fault("not_found", "none")),
        async *watchDeploymentEvents(_request, context) {
          yield { event: { case: "heartbeat", value: {} } };
          await clock.sleep(60_000, context.signal);
        },
      });
    },
  });
}

Deno.test("calls are counted by procedure and code, and those that are refused by code alone", async () => {
  using test = await testMetrics();
  const server = await serve(test);
  try {
    const baseUrl = `http://127.0.0.1:${server.port}`;
    const headers = { authorization: "Bearer t" };
    const transport = createConnectTransport({ baseUrl });
    await createClient(CtrlService, transport).liveness({}, { headers });
    const deployments = createClient(DeploymentService, transport);
    await assert.rejects(deployments.getDeployment({ deploymentId: "d_1" }, { headers }));
    await assert.rejects(deployments.getDeployment({ deploymentId: "d_1" }));
    await (await fetch(`${baseUrl}/health/live`)).body?.cancel();
    await (await fetch(`${baseUrl}/nothing-of-this-name`)).body?.cancel();
  } finally {
    await server.shutdown();
  }
  assert.deepEqual(await test.read("unkey_rpc_calls_total"), {
    'procedure="ctrl.v1.CtrlService/Liveness",code="ok"': 1,
    'procedure="ctrl.v1.DeploymentService/GetDeployment",code="not_found"': 1,
  });
  assert.deepEqual(await test.read("unkey_rpc_refused_total"), { 'code="unauthenticated"': 1 });
  assert.deepEqual(await test.read("unkey_rpc_call_seconds_count"), {
    'procedure="ctrl.v1.CtrlService/Liveness"': 1,
    'procedure="ctrl.v1.DeploymentService/GetDeployment"': 1,
  });
  // Paths are without end: they are no label.
  assert.deepEqual(await test.read("unkey_http_requests_total"), { 'status="200"': 1, 'status="404"': 1 });
});

Deno.test("an open stream is shown until it ends", async () => {
  using test = await testMetrics();
  const server = await serve(test);
  try {
    const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${server.port}` });
    const stop = new AbortController();
    const call = { headers: { authorization: "Bearer t" }, signal: stop.signal };
    const events = createClient(DeploymentService, transport).watchDeploymentEvents({}, call);
    await events[Symbol.asyncIterator]().next();
    assert.deepEqual(await test.read("unkey_rpc_streams"), { [`procedure="${STREAM}"`]: 1 });
    stop.abort();
  } finally {
    await server.shutdown();
  }
  assert.deepEqual(await test.read("unkey_rpc_streams"), { [`procedure="${STREAM}"`]: 0 });
  const calls = await test.read("unkey_rpc_calls_total");
  assert.equal(Object.values(calls).reduce((sum, each) => sum + each, 0), 1, "once");
});

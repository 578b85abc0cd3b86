import { createClient, createRouterTransport } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { AdminService } from "../../../proto/gen/ctrl/v1/admin_pb.ts";
import { ClusterService } from "../../../proto/gen/ctrl/v1/cluster_pb.ts";
import { FrontlineService } from "../../../proto/gen/ctrl/v1/frontline_pb.ts";
import type { Admission } from "../../../pkg/rpc/mod.ts";
import { isFault } from "../../../pkg/fault/mod.ts";
import type { Principal } from "../internal/auth/principal.ts";
import { admitByPolicy } from "./policies.ts";

const SENTINEL: Principal = {
  kind: "sentinel",
  sentinelId: "sen_1",
  environmentId: "env_1",
  region: "local.dev",
};

/** The outcome of a call by `principal` on a connection that showed no certificate. */
async function outcomeOf(principal: Principal, certificates: boolean): Promise<string> {
  const admit = admitByPolicy(() => Promise.resolve(principal), { certificates });
  let refusal: unknown;
  const requestGate: Admission = async (context) => {
    try {
      await admit(context);
    } catch (error) {
      refusal = error;
      throw error;
    }
  };
  const transport = createRouterTransport(
    (router) =>
      router.service(ClusterService, { acknowledge: () => ({}) })
        .service(FrontlineService, {
          acknowledgeRoutes: () => ({}),
          async *watchRoutes() {},
        })
        .service(AdminService, { listWorkspaces: () => ({}) }),
    { router: { requestGate } },
  );
  const frontline = createClient(FrontlineService, transport);
  const calls = {
    region: () => createClient(ClusterService, transport).acknowledge({}),
    edge: () => frontline.acknowledgeRoutes({}),
    sentinel: () => Array.fromAsync(frontline.watchRoutes({})),
    service: () => createClient(AdminService, transport).listWorkspaces({}),
    root_key: () => Promise.reject(new Error("not called here")),
  };
  try {
    await calls[principal.kind]();
    return "ok";
  } catch (error) {
    if (!isFault(refusal, "permission_denied")) throw error;
    assert.match(refusal.message, /--tls-client-ca-file.*--client-cert-file/);
    return "refused";
  }
}

Deno.test("agents and edges need a client certificate where the api asks for one; sentinels and operators do not", async () => {
  for (
    const [principal, outcome] of [
      [{ kind: "region", region: "local.dev", networks: [] }, "refused"],
      [{ kind: "edge" }, "refused"],
      [SENTINEL, "ok"],
      [{ kind: "service" }, "ok"],
    ] as const
  ) {
    assert.equal(await outcomeOf(principal, true), outcome, principal.kind);
    assert.equal(await outcomeOf(principal, false), "ok", principal.kind);
  }
});

/** Visitors of protected environments, with an api and an edge as their commands start them. */
import assert from "node:assert/strict";
import { Secret } from "../../pkg/config/mod.ts";
import { EnvironmentService } from "../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../proto/gen/ctrl/v1/frontline_pb.ts";
import { leaseApiProcess } from "../../svc/ctrl/internal/store/mod.ts";
import { clock, eventually, refused, startApi } from "../../svc/ctrl/services/testing.ts";
import { snapshotOf } from "../../svc/ctrl/services/testing_agents.ts";
import { Code } from "@connectrpc/connect";
import { Wire } from "../../pkg/proxy/testing_wire.ts";
import { app, startEdge } from "./frontline_edge.ts";
import { serve } from "./served_app.ts";

const PASSWORD = "correct horse battery";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

/** On a connection of its own, since `fetch` takes no host. */
async function ask(
  port: number,
  host: string,
  path = "/",
  init: { readonly headers?: Record<string, string>; readonly form?: Record<string, string> } = {},
): Promise<Answer> {
  using wire = await Wire.connect(port);
  const sent = init.form === undefined ? "" : new URLSearchParams(init.form).toString();
  const fields = {
    host,
    accept: "text/html",
    connection: "close",
    ...(sent === "" ? {} : {
      "content-type": "application/x-www-form-urlencoded",
      "content-length": String(sent.length),
    }),
    ...init.headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await wire.send(`${sent === "" ? "GET" : "POST"} ${path} HTTP/1.1\r\n${lines}\r\n${sent}`);
  const { text } = await wire.toEnd();
  const [head = "", body = ""] = text.split("\r\n\r\n");
  const [status = "", ...given] = head.split("\r\n");
  const headers = new Headers(
    given.map((
      line,
    ): [string, string] => [line.split(": ", 1)[0] ?? "", line.split(": ").slice(1).join(": ")]),
  );
  return { status: Number(status.split(" ")[1]), body, headers };
}

Deno.test("a protected preview is seen with its password, or by a link until its end or its revocation", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId, rootKey } = tenant;
  const shop = app("the shop");
  await using edge = startEdge(api.url, { controlPlaneBearer: new Secret(await api.regionToken("*")) });
  try {
    const [preview, live] = ["preview.test", "live.test"];
    const id = await serve(api, tenant, { environment: "preview", hostname: preview, port: shop.port });
    await serve(api, tenant, { environment: "production", hostname: live, port: shop.port });
    await edge.ready;
    const statusOf = async (host: string, headers = {}) =>
      (await ask(edge.port, host, "/", { headers })).status;
    await eventually("the preview is served", async () => await statusOf(preview) === 200);

    const client = api.client(EnvironmentService, rootKey);
    const set = await client.setProtection({ projectId, change: { case: "password", value: PASSWORD } });
    assert.deepEqual(set.environments.map((each) => [each.environmentSlug, each.protection]), [
      ["preview", 2],
      ["production", 0],
    ]);
    await eventually("the preview is protected", async () => await statusOf(preview) === 401);
    assert.equal(await statusOf(live), 200);

    const wrong = await ask(edge.port, preview, "/_unkey/access", { form: { password: "x", to: "/" } });
    assert.equal(wrong.status, 401);
    const right = await ask(edge.port, preview, "/_unkey/access", { form: { password: PASSWORD, to: "/a" } });
    assert.deepEqual([right.status, right.headers.get("location")], [303, "/a"]);
    const cookie = right.headers.get("set-cookie")?.split(";")[0] ?? "";
    assert.deepEqual((await ask(edge.port, preview, "/", { headers: { cookie } })).body, "the shop");

    const target = { case: "environmentSlug", value: "preview" } as const;
    const link = await client.createShareLink({ projectId, target });
    const visit = await ask(
      edge.port,
      preview,
      new URL(link.urls[0] ?? "").pathname + `?unkey_share=${link.token}`,
    );
    assert.equal(visit.status, 307);
    assert.equal(await statusOf(preview, { "x-unkey-share": link.token }), 200);
    const one = await client.createShareLink({ projectId, target: { case: "deploymentId", value: id } });
    assert.equal(await statusOf(preview, { "x-unkey-share": one.token }), 200);

    assert.deepEqual((await client.revokeShareLinks({ projectId })).environmentSlugs, ["preview"]);
    await eventually("links are revoked", async () => await statusOf(preview, { cookie }) === 401);
    assert.equal(await statusOf(preview, { "x-unkey-share": link.token }), 401);
    const again = await ask(edge.port, preview, "/_unkey/access", { form: { password: PASSWORD, to: "/" } });
    assert.equal(again.status, 303);

    await client.setProtection({ projectId, change: { case: "off", value: true } });
    await eventually("the preview is open", async () => await statusOf(preview) === 200);
  } finally {
    await shop.stop();
  }
});

Deno.test("an edge of an earlier release does not get protected routes, and an earlier api prevents a protection", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId } = tenant;
  await serve(api, tenant, { environment: "preview", hostname: "preview.test", port: 80 });
  await serve(api, tenant, { environment: "production", hostname: "live.test", port: 80 });
  const client = api.client(EnvironmentService, tenant.rootKey);
  const frontline = api.client(FrontlineService, await api.regionToken("*"));
  const hosts = async (knowsProtection: boolean): Promise<string[]> => {
    const stream = frontline.watchRoutes({ edgeId: "e", knowsProtection })[Symbol.asyncIterator]();
    const messages = await snapshotOf(stream);
    await stream.return?.();
    return messages.flatMap(({ state }) => state.case === "applyRoute" ? [state.value.hostname] : []).sort();
  };
  const lease = { id: "api_old", nudgeUrl: "http://127.0.0.1:1", leaseExpiresAtMs: clock.now() + 60_000 };
  await leaseApiProcess(api.db.kysely, lease);
  await api.db.kysely.updateTable("api_processes").set({ feed_revision: 0 }).execute();
  const protect = () => client.setProtection({ projectId, change: { case: "generate", value: true } });
  await refused(protect(), Code.FailedPrecondition, /api_old is of an earlier release/);
  await api.db.kysely.deleteFrom("api_processes").execute();
  assert.match((await protect()).password, /^([2-9A-Z]{5}-){3}[2-9A-Z]{5}$/);
  assert.deepEqual(await hosts(true), ["live.test", "preview.test"]);
  assert.deepEqual(await hosts(false), ["live.test"]);
});

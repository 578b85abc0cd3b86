import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { pushBaseImage } from "./base_registry.ts";
import { HUB_USER, HubRegistry } from "./hub_registry.ts";
import { hasRegistry } from "./registry.ts";

const ignore = !hasRegistry() || !existsSync("/bin/busybox");
const ACCEPT = { accept: "application/vnd.docker.distribution.manifest.v2+json" };

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(hub: HubRegistry, path: string, init: RequestInit = {}): Promise<Asked> {
  const response = await fetch(`http://${hub.name}${path}`, init);
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** The token for a scope, or the status of the refusal. */
async function token(hub: HubRegistry, scope: string, password?: string): Promise<string | number> {
  const headers = password === undefined
    ? {}
    : { authorization: `Basic ${btoa(`${HUB_USER.username}:${password}`)}` };
  const { status, body } = await ask(hub, `/token?service=registry.test&scope=${scope}`, { headers });
  return status === 200 ? String(JSON.parse(body).token) : status;
}

Deno.test({
  name: "a registry like Docker Hub",
  ignore,
  fn: async (t) => {
    let name = "";
    {
      await using hub = await HubRegistry.start();
      name = hub.name;
      const digest = await pushBaseImage(hub.upstream, "library/busybox:stable");
      await pushBaseImage(hub.upstream, "private/base:1");
      const manifest = "/v2/library/busybox/manifests/stable";
      const hidden = "/v2/private/base/manifests/1";
      const as = (bearer: string | number): RequestInit => ({
        headers: { ...ACCEPT, authorization: `Bearer ${bearer}` },
      });

      await t.step("refuses every request without a token, and says where to get one", async () => {
        assert.equal((await ask(hub, "/v2/")).status, 401);
        const { status, headers, body } = await ask(hub, manifest);
        assert.equal(status, 401);
        assert.equal(
          headers.get("www-authenticate"),
          `Bearer realm="http://${hub.name}/token",service="registry.test",` +
            'scope="repository:library/busybox:pull"',
        );
        assert.equal(JSON.parse(body).errors[0].code, "UNAUTHORIZED");
        assert.equal((await ask(hub, manifest, as("made-up"))).status, 401);
      });

      await t.step("gives a token for pulls of public repositories without credentials", async () => {
        const anonymous = await token(hub, "repository:library/busybox:pull");
        const { status, headers } = await ask(hub, manifest, { ...as(anonymous), method: "HEAD" });
        assert.equal(status, 200);
        assert.equal(headers.get("docker-content-digest"), digest);
        assert.ok(Number(headers.get("content-length")) > 100);
        const layer = JSON.parse((await ask(hub, manifest, as(anonymous))).body).layers[0];
        const blob = await fetch(
          `http://${hub.name}/v2/library/busybox/blobs/${layer.digest}`,
          as(anonymous),
        );
        assert.equal((await blob.bytes()).length, layer.size);
        const push = { ...as(anonymous), method: "POST" };
        assert.equal((await ask(hub, "/v2/library/busybox/blobs/uploads/", push)).status, 401);
      });

      await t.step(
        "shows private repositories only to its account, and missing ones look the same",
        async () => {
          for (const repository of ["private/base", "private/none", "library/none"]) {
            const anonymous = await token(hub, `repository:${repository}:pull`);
            const { status, headers } = await ask(hub, `/v2/${repository}/manifests/1`, as(anonymous));
            assert.equal(status, 401, repository);
            assert.match(headers.get("www-authenticate") ?? "", /error="insufficient_scope"/);
          }
          assert.equal(await token(hub, "repository:private/base:pull", "wrong"), 401);
          const account = await token(hub, "repository:private/base:pull", HUB_USER.password.reveal());
          assert.equal((await ask(hub, hidden, as(account))).status, 200);
          assert.equal((await ask(hub, "/v2/private/base/manifests/2", as(account))).status, 404);
        },
      );

      await t.step("gives tokens as in OAuth 2 too", async () => {
        const form = (password: string): RequestInit => ({
          method: "POST",
          body: new URLSearchParams({
            grant_type: "password",
            service: "registry.test",
            scope: "repository:private/base:pull",
            username: HUB_USER.username,
            password,
          }),
        });
        assert.equal((await ask(hub, "/token", form("wrong"))).status, 401);
        const { body } = await ask(hub, "/token", form(HUB_USER.password.reveal()));
        assert.equal((await ask(hub, hidden, as(String(JSON.parse(body).access_token)))).status, 200);
      });

      await t.step("answers 429 on request", async () => {
        hub.limited = true;
        const { status, body } = await ask(
          hub,
          manifest,
          as(await token(hub, "repository:library/busybox:pull")),
        );
        assert.equal(status, 429);
        assert.equal(JSON.parse(body).errors[0].code, "TOOMANYREQUESTS");
        hub.limited = false;
      });

      await t.step("remembers what was asked, and whether a token was there", async () => {
        hub.forgetRequests();
        const anonymous = await token(hub, "repository:library/busybox:pull");
        await ask(hub, manifest);
        await ask(hub, manifest, as(anonymous));
        assert.deepEqual(hub.requests, [
          {
            method: "GET",
            path: "/token?service=registry.test&scope=repository:library/busybox:pull",
            token: false,
            status: 200,
          },
          { method: "GET", path: manifest, token: false, status: 401 },
          { method: "GET", path: manifest, token: true, status: 200 },
        ]);
      });
    }
    await assert.rejects(fetch(`http://${name}/v2/`), "it listens after its end");
  },
});

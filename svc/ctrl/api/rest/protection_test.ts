import assert from "node:assert/strict";
import { deployImage, startApi, type TestApi } from "../../services/testing.ts";
import { route } from "../../services/testing_agents.ts";
import { checkedFetch } from "./testing.ts";

async function post(api: TestApi, name: string, body: unknown, key: string) {
  const response = await checkedFetch(`${api.url}/v2/deploy.${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  const answer: { readonly data?: Readonly<Record<string, unknown>>; readonly error?: unknown } =
    await response
      .json();
  return { status: response.status, data: answer.data ?? {}, text: JSON.stringify(answer.error) };
}

Deno.test("REST protects previews, makes links to them, and revokes these", async () => {
  await using api = await startApi();
  const tenant = await api.tenant("acme");
  const { projectId, rootKey } = tenant;
  const call = (name: string, body: object) => post(api, name, { projectId, ...body }, rootKey);
  const id = await deployImage(api, tenant, "preview");
  await route(api, tenant, "one.test", id);
  const share = { deploymentId: id };
  assert.equal((await call("createShareLink", share)).status, 412);
  assert.equal((await call("revokeShareLinks", {})).status, 412);
  const set = await call("setProtection", { generate: true });
  assert.deepEqual([set.status, set.data["environments"]], [200, [
    { slug: "preview", protection: "previews" },
    { slug: "production" },
  ]]);
  assert.match(String(set.data["password"]), /^[2-9A-Z-]{23}$/);
  const link = await call("createShareLink", { ...share, validSeconds: 60 });
  assert.match(String(link.data["urls"]), /^http:\/\/one\.test:7070\/\?unkey_share=d/);
  assert.deepEqual((await call("revokeShareLinks", {})).data, { environmentSlugs: ["preview"] });
  const listed = await call("listEnvironments", {});
  assert.match(JSON.stringify(listed.data), /"slug":"preview".*"protection":"previews"/);
  const { data: shown } = await post(api, "getDeployment", { deploymentId: id }, rootKey);
  assert.equal(shown["protected"], true);

  for (const body of [{}, { generate: true, off: true }, { password: "short" }, { generate: false }]) {
    assert.equal((await call("setProtection", body)).status, 400, JSON.stringify(body));
  }
  const both = { ...share, environmentSlug: "preview" };
  for (const body of [{}, both, { ...share, validSeconds: 59 }]) {
    assert.equal((await call("createShareLink", body)).status, 400, JSON.stringify(body));
  }
  const missing = { environmentSlug: "none" };
  for (
    const [name, body] of [["setProtection", { off: true }], ["createShareLink", {}], [
      "revokeShareLinks",
      {},
    ]]
  ) {
    assert.equal((await call(String(name), { ...Object(body), ...missing })).status, 404, String(name));
  }
});

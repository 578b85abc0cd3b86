import assert from "node:assert/strict";
import { hasKnot } from "../../../../pkg/testkit/knot.ts";
import { makeVerified, startDomainsApi } from "../../services/domain/testing.ts";
import { checkedFetch } from "./testing.ts";
import { startApi } from "../../services/testing.ts";

interface Answered {
  readonly status: number;
  readonly data?: Record<string, unknown>;
  readonly error?: { readonly detail: string; readonly type: string };
}

async function post(url: string, route: string, body: unknown, key: string): Promise<Answered> {
  const response = await checkedFetch(`${url}/v2/deploy.${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...await response.json() };
}

Deno.test({
  name: "REST adds, lists, verifies, retries, redirects and removes domains as the RPCs do",
  ignore: !hasKnot(),
  fn: async () => {
    await using bed = await startDomainsApi();
    const { url } = bed.api;
    const tenant = await bed.api.tenant("acme");
    const { projectId, rootKey } = tenant;
    const call = (route: string, body: object) => post(url, route, { projectId, ...body }, rootKey);
    const domain = "shop.example.com";
    const first = await call("addDomain", { environmentSlug: "production", domain });
    assert.equal(first.status, 201);
    assert.partialDeepStrictEqual(first.data, { domain, environmentSlug: "production", status: "PENDING" });
    const records = first.data?.["records"] as { type: string; name: string; required: boolean }[];
    assert.deepEqual(records.map(({ type, name }) => [type, name]), [
      ["CNAME", domain],
      ["TXT", `_unkey.${domain}`],
    ]);
    assert.equal((await call("addDomain", { environmentSlug: "production", domain })).status, 200);
    const www = { environmentSlug: "production", domain: "www.example.com", redirectTo: domain };
    assert.equal((await call("addDomain", www)).data?.["redirectTo"], domain);
    await makeVerified(bed.api, tenant, { hostname: domain });
    const seen = await call("verifyDomain", { domain });
    assert.partialDeepStrictEqual(seen.data, { status: "VERIFIED", proof: "cname", reaches: true });
    assert.equal((await call("retryDomain", { domain: "www.example.com" })).data?.["status"], "PENDING");
    const served = await call("setDomainRedirect", { domain: "www.example.com", redirectTo: "" });
    assert.equal(served.data?.["redirectTo"], undefined);
    assert.deepEqual((await call("removeDomain", { domain })).data, {});
    const listed = (await call("listDomains", { environmentSlug: "production" })).data?.["domains"];
    assert.deepEqual((listed as { domain: string }[]).map((each) => each.domain), ["www.example.com"]);
  },
});

Deno.test({
  name: "REST refuses domains with the status of each reason",
  ignore: !hasKnot(),
  fn: async (t) => {
    await using bed = await startDomainsApi();
    const { url } = bed.api;
    const { projectId, rootKey } = await bed.api.tenant("acme");
    const other = await bed.api.tenant("other");
    const request = { projectId, environmentSlug: "production", domain: "shop.example.com" };
    await post(url, "addDomain", request, rootKey);
    const cases: readonly (readonly [string, string, unknown, string, number, RegExp])[] = [
      ["no domain", "addDomain", { projectId }, rootKey, 400, /./],
      ["an unknown field", "addDomain", { ...request, target: "x" }, rootKey, 400, /./],
      ["no host name", "addDomain", { ...request, domain: "10.0.0.1" }, rootKey, 400, /not an IP address/],
      ["a stranger", "addDomain", request, other.rootKey, 404, /was not found/],
      [
        "elsewhere",
        "addDomain",
        { ...request, environmentSlug: "preview" },
        rootKey,
        409,
        /another environment/,
      ],
      [
        "the platform's",
        "addDomain",
        { ...request, domain: "a.apps.test" },
        rootKey,
        412,
        /name of the platform/,
      ],
      [
        "a missing one",
        "verifyDomain",
        { projectId, domain: "no.example.com" },
        rootKey,
        404,
        /not a domain/,
      ],
      ["no key", "listDomains", { projectId }, "unkey_wrong", 401, /./],
    ];
    for (const [name, route, body, key, status, text] of cases) {
      await t.step(name, async () => {
        const answer = await post(url, route, body, key);
        assert.deepEqual(
          [answer.status, text.test(answer.error?.detail ?? "")],
          [status, true],
          answer.error?.detail ?? "",
        );
      });
    }
    await t.step("a platform without domains", async () => {
      await using plain = await startApi();
      const tenant = await plain.tenant("acme");
      const body = { ...request, projectId: tenant.projectId };
      assert.equal((await post(plain.url, "addDomain", body, tenant.rootKey)).status, 412);
    });
  },
});

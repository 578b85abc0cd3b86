import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { refused } from "../testing.ts";
import { startDomainsApi } from "../domain/testing.ts";
import { hasKnot } from "../../../../pkg/testkit/knot.ts";

Deno.test({
  name: "an apply adds domains and changes redirects, and leaves the other domains",
  ignore: !hasKnot(),
  fn: async () => {
    await using bed = await startDomainsApi({ domainsMax: 3 });
    const { api } = bed;
    const { projectId, rootKey } = await api.tenant("acme");
    const where = { projectId, environmentSlug: "production" };
    const environments = api.client(EnvironmentService, rootKey);
    const domains = bed.domains(rootKey);
    await domains.addCustomDomain({ ...where, domain: "other.example.com" });
    api.workflows.calls.length = 0;
    const [domain, redirectTo] = ["www.example.com", "shop.example.com"];
    const wanted = { domains: [{ domain, redirectTo }, { domain: redirectTo }] };
    const { plan } = await environments.applyEnvironment({ ...where, wanted });
    assert.deepEqual(plan?.changes.map(({ setting, wanted }) => [setting, wanted]), [
      ["domains.shop.example.com", "serves"],
      ["domains.www.example.com", "redirects to shop.example.com"],
    ]);
    const rows = async () =>
      (await domains.listCustomDomains(where)).domains.map((each) => [each.domain, each.redirectTo]);
    assert.deepEqual(await rows(), [["other.example.com", ""], [redirectTo, ""], [domain, redirectTo]]);
    assert.equal(api.workflows.calls.filter((call) => call.startsWith("domain ")).length, 2);

    await environments.applyEnvironment({ ...where, wanted: { domains: [{ domain }] } });
    assert.deepEqual((await rows())[2], [domain, ""]);

    const apply = (each: { domain: string; redirectTo?: string }, environmentSlug = "production") =>
      environments.applyEnvironment({ ...where, environmentSlug, wanted: { domains: [each] } });
    await refused(apply({ domain }, "preview"), Code.AlreadyExists, /belongs to another environment/);
    await refused(
      apply({ domain, redirectTo: "none.example.com" }),
      Code.NotFound,
      /is not a domain of project/,
    );
    await refused(apply({ domain, redirectTo: domain }), Code.FailedPrecondition, /redirected itself/);
    await refused(
      apply({ domain: "new.example.com" }),
      Code.FailedPrecondition,
      /3 domains, which is the most/,
    );
    assert.equal((await rows()).length, 3);
  },
});

import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { hasKnot } from "../../../../pkg/testkit/knot.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CustomDomainService, CustomDomainStatus } from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { eachRefused, refused, SERVICE_TOKEN, startApi } from "../testing.ts";
import { makeVerified, rowOf, startDomainsApi, ZONE } from "./testing.ts";

const ignore = !hasKnot();
const environmentSlug = "production";

Deno.test({
  name:
    "a domain that is added says its records and what is wrong with those that are there, and its check begins",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, knot } = bed;
    const tenant = await api.tenant("acme");
    const { projectId } = tenant;
    const client = bed.domains(tenant.rootKey);
    await knot.set(ZONE, "shop.example.com", "A", "192.0.2.7");
    await knot.set(ZONE, ZONE, "CAA", '0 issue "other.test"');
    const added = await client.addCustomDomain({ projectId, environmentSlug, domain: "Shop.EXAMPLE.com." });
    const { customDomain: shown, created, domainId, targetCname, status } = added;
    assert.deepEqual([created, status, shown?.domain], [
      true,
      CustomDomainStatus.PENDING,
      "shop.example.com",
    ]);
    assert.match(domainId, /^dom_/);
    assert.match(targetCname, /^[a-z][a-z0-9]{19}\.cname\.apps\.test$/);
    assert.deepEqual(shown?.records.map(({ type, name, required }) => [type, name, required]), [
      ["CNAME", "shop.example.com", true],
      ["TXT", "_unkey.shop.example.com", false],
    ]);
    assert.deepEqual(shown?.issues.map(({ code }) => code), ["points_elsewhere", "caa_forbids"]);
    assert.match(shown?.issues[1]?.fix ?? "", /0 issue "letsencrypt\.org"/);
    assert.deepEqual(api.workflows.calls, [`domain ${domainId}`]);

    const again = await client.addCustomDomain({ projectId, environmentSlug, domain: "shop.example.com" });
    assert.deepEqual([again.created, again.domainId, again.targetCname], [false, domainId, targetCname]);
    assert.equal(api.workflows.calls.length, 1, "adding it again starts nothing");
    const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({});
    const acts = entries.filter(({ resourceId }) => resourceId === domainId).map(({ action }) => action);
    assert.deepEqual(acts, ["domain.add"]);
  },
});

Deno.test({
  name: "a domain is written down while the DNS and the workflow engine are away",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const tenant = await bed.api.tenant("acme");
    await bed.knot.stop();
    bed.api.workflows.fail = true;
    const request = { projectId: tenant.projectId, environmentSlug, domain: "shop.example.com" };
    const { customDomain } = await bed.domains(tenant.rootKey).addCustomDomain(request);
    assert.deepEqual(customDomain?.issues.map(({ code }) => code), ["dns_unavailable"]);
    assert.equal((await rowOf(bed.api, tenant, "shop.example.com")).status, "pending");
    assert.match(bed.api.lines.join("\n"), /workflow of a custom domain not woken/);
  },
});

Deno.test({
  name: "a name of another workspace can be added, and needs a TXT record from then on",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const [first, second] = [await bed.api.tenant("first"), await bed.api.tenant("second")];
    const request = { environmentSlug, domain: "shop.example.com" };
    await bed.domains(first.rootKey).addCustomDomain({ ...request, projectId: first.projectId });
    const claim = () =>
      bed.domains(second.rootKey).addCustomDomain({ ...request, projectId: second.projectId });
    // A name that is only wanted has no holder: the wish would keep its owner from using it.
    assert.ok(!(await claim()).customDomain?.issues.some(({ message }) => /another workspace/.test(message)));
    await makeVerified(bed.api, first, { hostname: "shop.example.com" });
    const { customDomain } = await claim();
    const issue = customDomain?.issues.find(({ code }) => code === "proof_missing");
    assert.match(issue?.message ?? "", /verified for another workspace/);
    assert.doesNotMatch(JSON.stringify(issue), new RegExp(first.workspaceId));
    assert.equal(customDomain?.records.find(({ type }) => type === "TXT")?.required, true);
  },
});

Deno.test({
  name: "addCustomDomain refuses what cannot be added, and who may not",
  ignore,
  fn: async (t) => {
    await using bed = await startDomainsApi({ domainsMax: 2 });
    const { api } = bed;
    const tenant = await api.tenant("acme");
    const { projectId } = tenant;
    const stranger = bed.domains((await api.tenant("other")).rootKey);
    const client = bed.domains(tenant.rootKey);
    const admin = api.client(AdminService, SERVICE_TOKEN);
    const permissions = [`project.${projectId}.read_domain`];
    const { key } = await admin.createRootKey({ workspaceId: tenant.workspaceId, permissions });
    const add = (changes: Parameters<typeof client.addCustomDomain>[0], as = client) =>
      as.addCustomDomain({ projectId, environmentSlug, domain: "shop.example.com", ...changes });
    await add({});
    await eachRefused(t, [
      ["a stranger", () => add({}, stranger), Code.NotFound, /Project .* was not found/],
      ["a key that may only read", () => add({}, bed.domains(key)), Code.PermissionDenied, /manage_domains/],
      ["another workspace's id", () => add({ workspaceId: "ws_1" }), Code.NotFound, /Workspace "ws_1"/],
      ["another environment", () => add({ environmentSlug: "nope" }), Code.NotFound, /"nope" was not found/],
      [
        "another environment's id",
        () => add({ environmentId: "env_1" }),
        Code.NotFound,
        /"env_1" was not found/,
      ],
      ["no name", () => add({ domain: "10.0.0.1" }), Code.InvalidArgument, /not an IP address/],
      ["a public suffix", () => add({ domain: "co.uk" }), Code.InvalidArgument, /anybody can have one/],
      [
        "a name of the platform",
        () => add({ domain: "shop-acme.apps.test" }),
        Code.FailedPrecondition,
        /a name of the platform/,
      ],
      [
        "a target",
        () => add({ domain: "a.cname.apps.test" }),
        Code.FailedPrecondition,
        /a name of the platform/,
      ],
      [
        "itself",
        () => add({ domain: "a.example.com", redirectTo: "A.example.com" }),
        Code.InvalidArgument,
        /another/,
      ],
      [
        "a redirect to nowhere",
        () => add({ domain: "www.example.com", redirectTo: "example.com" }),
        Code.NotFound,
        /"example\.com" is not a domain of project "shop"/,
      ],
      [
        "the same elsewhere",
        () => add({ environmentSlug: "preview" }),
        Code.AlreadyExists,
        /another environment of your workspace/,
      ],
      [
        "the same with a redirect",
        () => add({ redirectTo: "www.example.com" }),
        Code.AlreadyExists,
        /unkey domains set shop\.example\.com --redirect-to www/,
      ],
    ]);
    await add({ domain: "second.example.com", redirectTo: "shop.example.com" });
    await refused(
      add({ domain: "third.example.com" }),
      Code.FailedPrecondition,
      /has 2 domains, which is the most/,
    );
  },
});

Deno.test("a platform whose operator set no target has no custom domains", async () => {
  await using api = await startApi();
  const { projectId, rootKey } = await api.tenant("acme");
  const client = api.client(CustomDomainService, rootKey);
  const add = client.addCustomDomain({ projectId, environmentSlug, domain: "shop.example.com" });
  await refused(add, Code.FailedPrecondition, /no custom domains: its operator has not set --domain-target/);
  assert.deepEqual((await client.listCustomDomains({ projectId })).domains, []);
});

/** The use cases of a domain that is there. */
import { Code } from "@connectrpc/connect";
import assert from "node:assert/strict";
import { hasKnot } from "../../../../pkg/testkit/knot.ts";
import { AdminService } from "../../../../proto/gen/ctrl/v1/admin_pb.ts";
import { CustomDomainStatus } from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { EnvironmentService } from "../../../../proto/gen/ctrl/v1/environment_pb.ts";
import { FrontlineService } from "../../../../proto/gen/ctrl/v1/frontline_pb.ts";
import { PLATFORM_WORKSPACE, requestCertificate } from "../../internal/certificates/mod.ts";
import {
  findCertificateOrder,
  findHeldHostname,
  listRoutesOfDeployment,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { clock, eachRefused, refused, type Tenant, type TestApi } from "../testing.ts";
import { nextState } from "../testing_agents.ts";
import { setUpLife } from "../testing_lifecycle.ts";
import { type DomainsApi, makeVerified, rowOf, startDomainsApi, ZONE } from "./testing.ts";

const ignore = !hasKnot();
const SHOP = "shop.example.com";
const WWW = "www.example.com";

/** A workspace with a live deployment and a verified domain with a certificate on the way. */
async function served(bed: DomainsApi) {
  const { api } = bed;
  const { tenant, d2 } = await setUpLife(api);
  const client = bed.domains(tenant.rootKey);
  const { projectId } = tenant;
  await client.addCustomDomain({ projectId, environmentSlug: "production", domain: SHOP });
  await makeVerified(api, tenant, { hostname: SHOP, deploymentId: d2 });
  await wish(api, tenant);
  api.workflows.calls.length = 0;
  return { api, tenant, client, projectId, live: d2, calls: api.workflows.calls };
}

async function wish({ db, workflows }: TestApi, { workspaceId }: Pick<Tenant, "workspaceId">): Promise<void> {
  await requestCertificate({ db, clock, workflows }, { workspaceId, hostname: SHOP });
}

Deno.test({
  name: "a removed domain loses route and certificate at once, is remembered, and is audited",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId, live, calls } = await served(bed);
    const { id } = await rowOf(api, tenant, SHOP);
    await client.deleteCustomDomain({ projectId, domain: "SHOP.example.com" });
    const routes = await listRoutesOfDeployment(api.db.kysely, live);
    assert.deepEqual(routes.filter(({ hostname }) => hostname === SHOP), []);
    assert.equal((await findCertificateOrder(api.db.kysely, SHOP))?.status, "cancelled");
    const held = await findHeldHostname(api.db.kysely, SHOP);
    assert.deepEqual([held?.workspace_id, held?.domain_id], [tenant.workspaceId, null]);
    assert.deepEqual(calls, [`certificate ${SHOP}`]);
    assert.deepEqual((await client.listCustomDomains({ projectId })).domains, []);
    const { entries } = await api.client(AdminService, tenant.rootKey).listAuditLog({});
    const acts = entries.filter(({ resourceId }) => resourceId === id).map(({ action }) => action);
    assert.deepEqual(acts, ["domain.remove", "domain.add"]);
    await refused(
      client.deleteCustomDomain({ projectId, domain: SHOP }),
      Code.NotFound,
      /unkey domains list/,
    );
  },
});

Deno.test({
  name:
    "the removal of a domain leaves the route and certificate of another workspace with the same name alone",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, live } = await served(bed);
    const other = await api.tenant("other");
    const client = bed.domains(other.rootKey);
    const { projectId } = other;
    await client.addCustomDomain({ projectId, environmentSlug: "production", domain: SHOP });
    await client.deleteCustomDomain({ projectId, domain: SHOP });
    const routes = await listRoutesOfDeployment(api.db.kysely, live);
    assert.ok(routes.some(({ hostname }) => hostname === SHOP));
    assert.equal((await findCertificateOrder(api.db.kysely, SHOP))?.status, "waiting");
    assert.notEqual((await findHeldHostname(api.db.kysely, SHOP))?.domain_id, null);
  },
});

Deno.test({
  name: "a domain of another workspace or project is missing, whatever is asked of it",
  ignore,
  fn: async (t) => {
    await using bed = await startDomainsApi();
    const { api, tenant, projectId } = await served(bed);
    const admin = api.client(AdminService, tenant.rootKey);
    const { project } = await admin.createProject({ slug: "blog" });
    const other = await api.tenant("other");
    const strangers = [
      ["a stranger with the project's id", bed.domains(other.rootKey), projectId, /Project .* was not found/],
      [
        "a stranger with a project",
        bed.domains(other.rootKey),
        other.projectId,
        /is not a domain of project "shop"/,
      ],
      [
        "another project",
        bed.domains(tenant.rootKey),
        project?.id ?? "",
        /is not a domain of project "blog"/,
      ],
    ] as const;
    for (const [name, client, id, text] of strangers) {
      const request = { projectId: id, domain: SHOP };
      await eachRefused(t, [
        [`${name}: verify`, () => client.verifyCustomDomain(request), Code.NotFound, text],
        [`${name}: retry`, () => client.retryVerification(request), Code.NotFound, text],
        [`${name}: redirect`, () => client.setRedirect({ ...request, redirectTo: WWW }), Code.NotFound, text],
        [`${name}: remove`, () => client.deleteCustomDomain(request), Code.NotFound, text],
      ]);
    }
    const { key } = await admin.createRootKey({ permissions: [`project.${projectId}.read_domain`] });
    const reader = bed.domains(key);
    assert.equal((await reader.listCustomDomains({ projectId })).domains.length, 1);
    await refused(
      reader.verifyCustomDomain({ projectId, domain: SHOP }),
      Code.PermissionDenied,
      /manage_domains/,
    );
  },
});

Deno.test({
  name: "a list shows what the last check found and how far the certificate is, of one environment or all",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId } = await served(bed);
    await client.addCustomDomain({ projectId, environmentSlug: "preview", domain: "next.example.com" });
    const issues = [{ code: "proxied", message: "m", fix: "f" }];
    const preview = await rowOf(api, tenant, "next.example.com");
    const found = { status: "verifying" as const, findings: JSON.stringify(issues), updated_at: 1 };
    await updateCustomDomain(api.db.kysely, preview.id, found);
    const { domains } = await client.listCustomDomains({ projectId });
    assert.deepEqual(
      domains.map(({ domain, environmentSlug, status, reaches }) => [
        domain,
        environmentSlug,
        CustomDomainStatus[status],
        reaches,
      ]),
      [
        ["next.example.com", "preview", "VERIFYING", false],
        [SHOP, "production", "VERIFIED", true],
      ],
    );
    const [next, shop] = domains;
    assert.deepEqual(next?.issues.map(({ code, message, fix }) => ({ code, message, fix })), issues);
    assert.equal(next?.records.find(({ type }) => type === "TXT")?.required, true);
    assert.equal(next?.certificate, undefined);
    assert.equal(shop?.certificate?.notAfter, 0n);
    assert.ok(Number(shop?.certificate?.nextAttemptAt) > 0);
    const only = await client.listCustomDomains({ projectId, environmentSlug: "preview" });
    assert.deepEqual(only.domains.map(({ domain }) => domain), ["next.example.com"]);
  },
});

Deno.test({
  name:
    "verify looks at once and lets the workflow look; a failed domain waits for a retry, which begins again",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId, calls } = await served(bed);
    const { id } = await rowOf(api, tenant, SHOP);
    await bed.knot.set(ZONE, SHOP, "A", "192.0.2.7");
    const { customDomain } = await client.verifyCustomDomain({ projectId, domain: SHOP });
    assert.deepEqual(customDomain?.issues.map(({ code }) => code), ["points_elsewhere"]);
    assert.deepEqual(calls, [`domain ${id}`]);

    const long = clock.now() - 9 * 86_400_000;
    await updateCustomDomain(api.db.kysely, id, { status: "failed", verify_from: long, updated_at: long });
    await client.verifyCustomDomain({ projectId, domain: SHOP });
    assert.equal(calls.length, 1, "nothing is started");
    const retried = await client.retryVerification({ projectId, domain: SHOP });
    assert.equal(retried.status, CustomDomainStatus.PENDING);
    assert.ok((await rowOf(api, tenant, SHOP)).verify_from > long);
    assert.deepEqual(calls.slice(1), [`domain ${id}`]);

    await makeVerified(api, tenant, { hostname: SHOP });
    await client.retryVerification({ projectId, domain: SHOP });
    assert.deepEqual(calls.slice(2), [`domain ${id}`, `certificate ${SHOP}`], "also its certificate");
  },
});

Deno.test({
  name: "a retry does not touch a certificate that belongs to another workspace",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId, calls } = await served(bed);
    await api.db.kysely.updateTable("certificate_orders").set({ workspace_id: PLATFORM_WORKSPACE }).execute();
    const { id } = await rowOf(api, tenant, SHOP);
    await client.retryVerification({ projectId, domain: SHOP });
    assert.deepEqual(calls, [`domain ${id}`]);
  },
});

Deno.test({
  name: "a redirect reaches the edges when its target is proven, and leaves with the proof",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId, live } = await served(bed);
    const environmentSlug = "production";
    await client.addCustomDomain({ projectId, environmentSlug, domain: WWW, redirectTo: SHOP });
    await makeVerified(api, tenant, { hostname: WWW, deploymentId: live });
    const stop = new AbortController();
    const edge = api.client(FrontlineService, await api.regionToken("*"));
    const feed = edge.watchRoutes({ edgeId: "e", versionLastSeen: 0n }, { signal: stop.signal });
    const states = feed[Symbol.asyncIterator]();
    const redirectOf = async (hostname: string): Promise<string> => {
      for (;;) {
        const { state } = await nextState(states);
        if (state.case === "applyRoute" && state.value.hostname === hostname) {
          return state.value.redirectHostname;
        }
      }
    };
    assert.equal(await redirectOf(WWW), SHOP);
    await client.setRedirect({ projectId, domain: WWW, redirectTo: "" });
    assert.equal(await redirectOf(WWW), "", "it serves");
    const shown = await client.setRedirect({ projectId, domain: WWW, redirectTo: SHOP });
    assert.equal(shown.customDomain?.redirectTo, SHOP);
    assert.equal(await redirectOf(WWW), SHOP);
    // Another domain's name is no place to send visitors to once it is not proven any more.
    const { id } = await rowOf(api, tenant, SHOP);
    await updateCustomDomain(api.db.kysely, id, { status: "failed", updated_at: clock.now() });
    await client.setRedirect({ projectId, domain: WWW, redirectTo: "" });
    await client.setRedirect({ projectId, domain: WWW, redirectTo: SHOP });
    assert.equal(await redirectOf(WWW), "");
    stop.abort();
    await states.return?.().catch(() => undefined);
  },
});

Deno.test({
  name: "redirects neither lead on nor in a circle, and their target is not removed",
  ignore,
  fn: async (t) => {
    await using bed = await startDomainsApi();
    const { client, projectId } = await served(bed);
    const environmentSlug = "production";
    await client.addCustomDomain({ projectId, environmentSlug, domain: WWW, redirectTo: SHOP });
    await client.addCustomDomain({ projectId, environmentSlug, domain: "old.example.com" });
    const redirect = (domain: string, redirectTo: string) =>
      client.setRedirect({ projectId, domain, redirectTo });
    await eachRefused(t, [
      [
        "on",
        () => redirect("old.example.com", WWW),
        Code.FailedPrecondition,
        /is redirected itself, to "shop/,
      ],
      [
        "a circle",
        () => redirect(SHOP, "old.example.com"),
        Code.FailedPrecondition,
        /therefore has to serve/,
      ],
      ["itself", () => redirect(SHOP, SHOP), Code.InvalidArgument, /another name/],
      [
        "removal of the target",
        () => client.deleteCustomDomain({ projectId, domain: SHOP }),
        Code.FailedPrecondition,
        /unkey domains set www\.example\.com --serve/,
      ],
    ]);
    await client.deleteCustomDomain({ projectId, domain: WWW });
    await client.deleteCustomDomain({ projectId, domain: SHOP });
  },
});

Deno.test({
  name: "an environment that is deleted takes its domains, their certificates and their names along",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId } = await served(bed);
    const environments = api.client(EnvironmentService, tenant.rootKey);
    await environments.createEnvironment({ projectId, slug: "qa" });
    await client.addCustomDomain({ projectId, environmentSlug: "qa", domain: "qa.example.com" });
    await makeVerified(api, tenant, { hostname: "qa.example.com" });
    await environments.deleteEnvironment({ projectId, slug: "qa" });
    const { domains } = await client.listCustomDomains({ projectId });
    assert.deepEqual(domains.map(({ domain }) => domain), [SHOP]);
    assert.equal((await findHeldHostname(api.db.kysely, "qa.example.com"))?.domain_id, null);
    // The name can be brought to another environment then.
    await client.addCustomDomain({ projectId, environmentSlug: "preview", domain: "qa.example.com" });
  },
});

Deno.test({
  name: "the status of a workspace names its domains that are not served, and no other workspace's",
  ignore,
  fn: async () => {
    await using bed = await startDomainsApi();
    const { api, tenant, client, projectId } = await served(bed);
    const other = await api.tenant("other");
    const add = { projectId: other.projectId, environmentSlug: "production", domain: "foreign.example.com" };
    await bed.domains(other.rootKey).addCustomDomain(add);
    await client.addCustomDomain({ projectId, environmentSlug: "preview", domain: "next.example.com" });
    const status = async () => (await api.client(AdminService, tenant.rootKey).getStatus({})).domains;
    assert.deepEqual(
      (await status()).map(({ domain, projectSlug, environmentSlug, status, problem }) => [
        domain,
        projectSlug,
        environmentSlug,
        status,
        problem,
      ]),
      [["next.example.com", "shop", "preview", "pending", ""]],
    );
    const { id } = await rowOf(api, tenant, SHOP);
    const issues = [{ code: "no_record", message: "It has no record.", fix: "Set one." }];
    const changes = { lost_at: 7, findings: JSON.stringify(issues), updated_at: 7 };
    await updateCustomDomain(api.db.kysely, id, changes);
    const shop = (await status()).find(({ domain }) => domain === SHOP);
    assert.deepEqual([shop?.lostAt, shop?.problem], [7n, "It has no record. Set one."]);
  },
});

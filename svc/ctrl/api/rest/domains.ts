/** The routes of custom domains. */
import { z } from "zod";
import { CustomDomainService } from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { addDomain } from "../../services/domain/add.ts";
import { listDomains } from "../../services/domain/list.ts";
import { removeDomain } from "../../services/domain/remove.ts";
import { setRedirect } from "../../services/domain/set_redirect.ts";
import type { ShownDomain } from "../../services/domain/show.ts";
import { retryDomain, verifyDomain } from "../../services/domain/verify.ts";
import { CREATED_AT, PROJECT } from "./examples.ts";
import { answer, created, defineRoute, ok } from "./route.ts";
import { addDomainBody, domainBody, listDomainsBody, setDomainRedirectBody } from "./schemas.ts";
import { DOMAIN_STATUS, domainShape, nothing } from "./shapes.ts";

const NAMED = { projectId: PROJECT, domain: "shop.example.com" };
const EXAMPLE: z.infer<typeof domainShape> = {
  id: "dom_5fLqcHJ2t9xKs7dR",
  domain: "shop.example.com",
  environmentSlug: "production",
  status: "PENDING",
  reaches: false,
  issues: [{
    code: "no_record",
    message: "shop.example.com has no record that leads here.",
    fix: "Add the CNAME record.",
  }],
  records: [{
    type: "CNAME",
    name: "shop.example.com",
    value: "k3v9.domains.example.net",
    purpose: "route",
    required: true,
  }],
  createdAt: CREATED_AT,
};

export const addDomainRoute = defineRoute({
  name: "addDomain",
  tag: "Domains",
  summary: "Adds a custom domain to an environment. One that is there already is answered with 200.",
  rpc: CustomDomainService.method.addCustomDomain,
  body: addDomainBody,
  example: { ...NAMED, environmentSlug: "production" },
  answers: {
    200: answer("It was there.", domainShape, EXAMPLE),
    201: answer("It was added; set its records next.", domainShape, EXAMPLE),
  },
  problems: [404, 409, 412],
  async run({ deps: { domain: deps }, caller, body: { redirectTo = "", ...body }, signal }) {
    const wanted = { ...body, redirectTo, workspaceId: "", environmentId: "" };
    const added = await addDomain(deps, caller, wanted, signal);
    return added.created ? created(domainData(added)) : ok(domainData(added));
  },
});

export const listDomainsRoute = defineRoute({
  name: "listDomains",
  tag: "Domains",
  summary: "Lists the custom domains of a project, or of one of its environments.",
  rpc: CustomDomainService.method.listCustomDomains,
  body: listDomainsBody,
  example: { projectId: PROJECT },
  answers: {
    200: answer("All of them.", z.object({ domains: z.array(domainShape) }), { domains: [EXAMPLE] }),
  },
  problems: [404, 412],
  async run({ deps: { domain: deps }, caller, body: { projectId, environmentSlug = "" }, signal }) {
    const shown = await listDomains(deps, caller, { projectId, environmentSlug }, signal);
    return ok({ domains: shown.map(domainData) });
  },
});

export const verifyDomainRoute = defineRoute({
  name: "verifyDomain",
  tag: "Domains",
  summary: "Looks at the records of a domain now.",
  rpc: CustomDomainService.method.verifyCustomDomain,
  body: domainBody,
  example: NAMED,
  answers: { 200: answer("The domain with what was found.", domainShape, EXAMPLE) },
  problems: [404, 412],
  async run({ deps: { domain: deps }, caller, body, signal }) {
    return ok(domainData(await verifyDomain(deps, caller, body, signal)));
  },
});

export const retryDomainRoute = defineRoute({
  name: "retryDomain",
  tag: "Domains",
  summary: "Begins the verification of a domain again.",
  rpc: CustomDomainService.method.retryVerification,
  body: domainBody,
  example: NAMED,
  answers: { 200: answer("The domain as it is now.", domainShape, EXAMPLE) },
  problems: [404, 412],
  async run({ deps: { domain: deps }, caller, body, signal }) {
    return ok(domainData(await retryDomain(deps, caller, body, signal)));
  },
});

export const setDomainRedirectRoute = defineRoute({
  name: "setDomainRedirect",
  tag: "Domains",
  summary: "Sends a domain's requests to another domain of the project; an empty text: serves them again.",
  rpc: CustomDomainService.method.setRedirect,
  body: setDomainRedirectBody,
  example: { projectId: PROJECT, domain: "www.example.com", redirectTo: "shop.example.com" },
  answers: {
    200: answer("The domain as it is now.", domainShape, {
      ...EXAMPLE,
      domain: "www.example.com",
      redirectTo: "shop.example.com",
    }),
  },
  problems: [404, 412],
  async run({ deps: { domain: deps }, caller, body, signal }) {
    return ok(domainData(await setRedirect(deps, caller, body, signal)));
  },
});

export const removeDomainRoute = defineRoute({
  name: "removeDomain",
  tag: "Domains",
  summary: "Removes a custom domain. Its requests are not answered any more.",
  rpc: CustomDomainService.method.deleteCustomDomain,
  body: domainBody,
  example: NAMED,
  answers: { 200: answer("It is removed.", nothing, {}) },
  problems: [404, 412],
  async run({ deps: { domain: deps }, caller, body, signal }) {
    await removeDomain(deps, caller, body, signal);
    return ok({});
  },
});

function domainData({ view, issues, records }: ShownDomain): z.infer<typeof domainShape> {
  return {
    id: view.id,
    domain: view.hostname,
    environmentSlug: view.environment_slug,
    status: DOMAIN_STATUS[view.status],
    reaches: view.reaches === 1,
    ...(view.proof === null ? {} : { proof: view.proof }),
    ...(view.redirect_to === "" ? {} : { redirectTo: view.redirect_to }),
    issues: issues.map((each) => ({ ...each })),
    records: records.map((each) => ({ ...each })),
    createdAt: view.created_at,
    ...(view.verified_at === null ? {} : { verifiedAt: view.verified_at }),
    ...(view.checked_at === null ? {} : { checkedAt: view.checked_at }),
    ...(view.not_after === null ? {} : { certificateEndsAt: view.not_after }),
    ...(view.order_problem === null || view.order_status === "issued"
      ? {}
      : { certificateProblem: view.order_problem }),
  };
}

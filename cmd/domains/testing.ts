/** A control plane that knows some domains. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { publicFault } from "../../pkg/fault/mod.ts";
import {
  type CustomDomain,
  type CustomDomainSchema,
  CustomDomainStatus,
} from "../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import {
  access,
  NOW,
  type RunOptions,
  type RunResult,
  SHOP,
  startControlPlane,
  unkey,
} from "../shared/testing.ts";

type DomainMessage = Exclude<MessageInitShape<typeof CustomDomainSchema>, CustomDomain>;

export const CNAME = {
  type: "CNAME",
  name: "shop.example.com",
  value: "k3j9.cname.apps.test",
  purpose: "route",
  required: true,
};
export const TXT = {
  type: "TXT",
  name: "_unkey.shop.example.com",
  value: "unkey-verify=k3j9",
  purpose: "proof",
  required: false,
};
export const ISSUE = {
  code: "points_elsewhere",
  message: '"shop.example.com" leads to 192.0.2.7 instead of this platform.',
  fix: "Replace that record by CNAME shop.example.com -> k3j9.cname.apps.test.",
};

/** A domain that is being looked for. */
export function domainOf(changes: DomainMessage = {}): DomainMessage {
  return {
    id: "dom_1",
    domain: "shop.example.com",
    environmentSlug: "production",
    status: CustomDomainStatus.VERIFYING,
    targetCname: CNAME.value,
    records: [CNAME, TXT],
    issues: [ISSUE],
    createdAt: BigInt(NOW - 60_000),
    checkedAt: BigInt(NOW - 5_000),
    nextCheckAt: BigInt(NOW + 5_000),
    verifySince: BigInt(NOW - 60_000),
    ...changes,
  };
}

/** The same, served over HTTPS. */
export function servedDomain(changes: DomainMessage = {}): DomainMessage {
  return domainOf({
    status: CustomDomainStatus.VERIFIED,
    proof: "cname",
    reaches: true,
    issues: [],
    verifiedAt: BigInt(NOW - 30_000),
    certificate: { notAfter: BigInt(NOW + 60 * 86_400_000) },
    ...changes,
  });
}

export interface DomainsPlane extends AsyncDisposable {
  readonly calls: readonly string[];
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<RunResult>;
}

/** `looks` are the answers to looks, one after the other; the last one stays. */
export async function controlPlane(
  { looks = [domainOf()], known = false, listed = [] }: {
    readonly looks?: readonly DomainMessage[];
    /** The domain is there already. */
    readonly known?: boolean;
    readonly listed?: readonly DomainMessage[];
  } = {},
): Promise<DomainsPlane> {
  const calls: string[] = [];
  let count = 0;
  const next = (): DomainMessage => looks[Math.min(count++, looks.length - 1)] ?? domainOf();
  const api = await startControlPlane({
    admin: { listProjects: () => ({ projects: [SHOP] }) },
    domain: {
      addCustomDomain({ projectId, environmentSlug, domain, redirectTo }) {
        calls.push(`add ${projectId} ${environmentSlug} ${domain} ${redirectTo}`.trim());
        if (domain.includes("*")) throw publicFault("invalid_argument", "domain must not contain *");
        return { created: !known, customDomain: next() };
      },
      verifyCustomDomain({ domain }) {
        calls.push(`verify ${domain}`);
        return { customDomain: next() };
      },
      retryVerification({ domain }) {
        calls.push(`retry ${domain}`);
        return { customDomain: next() };
      },
      setRedirect({ domain, redirectTo }) {
        calls.push(`set ${domain} ${redirectTo}`.trim());
        return { customDomain: servedDomain({ redirectTo }) };
      },
      listCustomDomains({ environmentSlug }) {
        calls.push(`list ${environmentSlug}`.trim());
        return { domains: [...listed] };
      },
      deleteCustomDomain({ domain }) {
        calls.push(`remove ${domain}`);
        return {};
      },
    },
  });
  const run = (args: readonly string[], options: RunOptions = {}) =>
    unkey(["domains", ...args], { ...options, env: { ...access(api.url), ...options.env } });
  return { calls, run, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

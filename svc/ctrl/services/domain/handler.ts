import type { ServiceImpl } from "@connectrpc/connect";
import type { CustomDomainService } from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import { principalOf } from "../../internal/auth/principal.ts";
import { addDomain } from "./add.ts";
import type { DomainDeps } from "./deps.ts";
import { encodeDomain, STATUS } from "./encode.ts";
import { listDomains } from "./list.ts";
import { removeDomain } from "./remove.ts";
import { setRedirect } from "./set_redirect.ts";
import { retryDomain, verifyDomain } from "./verify.ts";

/** Adapts the use cases of custom domains to `ctrl.v1.CustomDomainService`: decode, call, encode. */
export function domainHandlers(deps: DomainDeps): ServiceImpl<typeof CustomDomainService> {
  return {
    async addCustomDomain(request, { values, signal }) {
      const added = await addDomain(deps, principalOf(values, "root_key"), request, signal);
      const { view, created } = added;
      return {
        domainId: view.id,
        targetCname: view.target,
        status: STATUS[view.status],
        customDomain: encodeDomain(added),
        created,
      };
    },
    async deleteCustomDomain(request, { values, signal }) {
      await removeDomain(deps, principalOf(values, "root_key"), request, signal);
      return {};
    },
    async retryVerification(request, { values, signal }) {
      const shown = await retryDomain(deps, principalOf(values, "root_key"), request, signal);
      return { status: STATUS[shown.view.status], customDomain: encodeDomain(shown) };
    },
    async listCustomDomains(request, { values, signal }) {
      const shown = await listDomains(deps, principalOf(values, "root_key"), request, signal);
      return { domains: shown.map(encodeDomain) };
    },
    async verifyCustomDomain(request, { values, signal }) {
      const shown = await verifyDomain(deps, principalOf(values, "root_key"), request, signal);
      return { customDomain: encodeDomain(shown) };
    },
    async setRedirect(request, { values, signal }) {
      const shown = await setRedirect(deps, principalOf(values, "root_key"), request, signal);
      return { customDomain: encodeDomain(shown) };
    },
  };
}

import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CustomDomainSchema,
  CustomDomainStatus,
} from "../../../../proto/gen/ctrl/v1/custom_domain_pb.ts";
import type { CustomDomainsTable, DomainView } from "../../internal/store/mod.ts";
import type { ShownDomain } from "./show.ts";

export const STATUS: Record<CustomDomainsTable["status"], CustomDomainStatus> = {
  pending: CustomDomainStatus.PENDING,
  verifying: CustomDomainStatus.VERIFYING,
  verified: CustomDomainStatus.VERIFIED,
  failed: CustomDomainStatus.FAILED,
};

export function encodeDomain(
  { view, issues, records }: ShownDomain,
): MessageInitShape<typeof CustomDomainSchema> {
  return {
    id: view.id,
    workspaceId: view.workspace_id,
    projectId: view.project_id,
    environmentId: view.environment_id,
    environmentSlug: view.environment_slug,
    domain: view.hostname,
    status: STATUS[view.status],
    targetCname: view.target,
    redirectTo: view.redirect_to,
    proof: view.proof ?? "",
    reaches: view.reaches === 1,
    issues: issues.map((each) => ({ ...each })),
    records: records.map((each) => ({ ...each })),
    createdAt: BigInt(view.created_at),
    verifiedAt: BigInt(view.verified_at ?? 0),
    checkedAt: BigInt(view.checked_at ?? 0),
    nextCheckAt: BigInt(view.status === "failed" ? 0 : view.next_check_at),
    verifySince: BigInt(view.verify_from),
    lostAt: BigInt(view.lost_at ?? 0),
    ...certificateOf(view),
  };
}

function certificateOf(view: DomainView): Pick<MessageInitShape<typeof CustomDomainSchema>, "certificate"> {
  const { order_status: status, not_after: notAfter } = view;
  if (status === null && notAfter === null) return {};
  const waits = status === "waiting" || status === "ordering";
  return {
    certificate: {
      notAfter: BigInt(notAfter ?? 0),
      problem: waits ? view.order_problem ?? "" : "",
      nextAttemptAt: BigInt(waits ? view.order_next_attempt_at ?? 0 : 0),
    },
  };
}

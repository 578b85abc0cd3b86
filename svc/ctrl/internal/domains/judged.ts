import { registeredDomain } from "../certificates/mod.ts";
import type { CustomDomainsTable, HeldHostnamesTable } from "../store/mod.ts";
import type { JudgedDomain } from "./judge.ts";

/** A stored domain as its judge sees it. */
export function judgedDomain(
  { hostname, target, proof_text: proofText, workspace_id: workspaceId }: CustomDomainsTable,
  held: HeldHostnamesTable | undefined,
  authorities: readonly string[],
): JudgedDomain {
  return {
    hostname,
    target,
    proofText,
    isApex: registeredDomain(hostname) === hostname,
    contested: held !== undefined && held.workspace_id !== "" && held.workspace_id !== workspaceId,
    authorities,
  };
}

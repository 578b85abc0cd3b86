import { newDnsName, newId } from "../../../../pkg/uid/mod.ts";
import type { CustomDomainsTable } from "../store/mod.ts";

/** Of target and proof: so many that no old record, and no guess, names another domain's. */
const TOKEN_CHARACTERS = 20;

/** The row of a name that has just been added: it is due to be looked for. @param target the domain of its target's name */
export function newCustomDomain(
  wanted: Pick<
    CustomDomainsTable,
    "workspace_id" | "project_id" | "environment_id" | "hostname" | "redirect_to"
  >,
  { target, nowMs }: { readonly target: string; readonly nowMs: number },
): CustomDomainsTable {
  const token = newDnsName(TOKEN_CHARACTERS);
  return {
    ...wanted,
    id: newId("domain", nowMs),
    status: "pending",
    target: `${token}.${target}`,
    proof_text: `unkey-verify=${token}`,
    proof: null,
    reaches: 0,
    findings: null,
    checks: 0,
    checked_at: null,
    next_check_at: nowMs,
    verify_from: nowMs,
    verified_at: null,
    lost_at: null,
    created_at: nowMs,
    updated_at: nowMs,
  };
}

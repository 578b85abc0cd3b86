/** The wish for the certificate of a domain, within the share of its workspace. */
import { requestInTransaction } from "../../internal/certificates/mod.ts";
import { decodeIssues, encodeIssues } from "../../internal/domains/mod.ts";
import {
  certificateNamesSince,
  findCertificateOrder,
  findCustomDomainById,
  lockCustomDomain,
  lockWorkspace,
  type Tx,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import { ALLOWANCE_MS, FORMER_MS } from "./plan.ts";
import type { Wanted } from "./types.ts";

/** Wants the certificate, unless it is wanted already. Names of one workspace take turns, so that their count holds. */
export async function wantInTransaction(
  tx: Tx,
  { domainId, certificatesMax, nowMs }: {
    readonly domainId: string;
    readonly certificatesMax: number;
    readonly nowMs: number;
  },
): Promise<Wanted> {
  const seen = await findCustomDomainById(tx, domainId);
  if (seen === undefined) return { kind: "none" };
  await lockWorkspace(tx, seen.workspace_id);
  const row = await lockCustomDomain(tx, domainId);
  if (row === undefined || row.status !== "verified" || row.reaches !== 1) return { kind: "none" };
  const { hostname, workspace_id: workspaceId } = row;
  const order = await findCertificateOrder(tx, hostname);
  if (order !== undefined) {
    if (order.workspace_id === workspaceId && order.status !== "cancelled") return { kind: "none" };
    // The workflow of certificates forgets it first: it has to give up what is under way.
    await updateCustomDomain(tx, domainId, { next_check_at: nowMs + FORMER_MS, updated_at: nowMs });
    return { kind: "later", delayMs: FORMER_MS };
  }
  const names = await certificateNamesSince(tx, workspaceId, nowMs - ALLOWANCE_MS);
  const oldest = names[0];
  if (
    oldest !== undefined && names.length >= certificatesMax &&
    !names.some((each) => each.hostname === hostname)
  ) {
    const freeAtMs = oldest.created_at + ALLOWANCE_MS;
    const issues = [...decodeIssues(row.findings).filter(({ code }) => code !== "allowance"), {
      code: "allowance" as const,
      message:
        `${certificatesMax} domains of the workspace got their first certificate within 7 days, which is the most: ` +
        `"${hostname}" gets its own after ${
          new Date(freeAtMs).toISOString().slice(0, 16).replace("T", " ")
        } UTC.`,
      fix: "Wait, or ask the operator for more.",
    }];
    await updateCustomDomain(tx, domainId, {
      findings: encodeIssues(issues),
      next_check_at: freeAtMs,
      updated_at: nowMs,
    });
    return { kind: "later", delayMs: Math.max(FORMER_MS, freeAtMs - nowMs) };
  }
  await requestInTransaction(tx, { workspaceId, hostname }, nowMs);
  return { kind: "wanted", hostname, workspaceId };
}

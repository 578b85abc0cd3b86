/** The result of a check: status, hold on the name, and route change in one transaction. */
import { Fault } from "../../../../pkg/fault/mod.ts";
import {
  encodeIssues,
  type Findings,
  isWithin,
  judge,
  judgedDomain,
  unanswered,
} from "../../internal/domains/mod.ts";
import {
  announceHostnames,
  assignRoutes,
  type CustomDomainsTable,
  endDomain,
  type EnvironmentsTable,
  findCustomDomainById,
  findHeldHostname,
  type HeldHostnamesTable,
  holdHostname,
  listRedirectsTo,
  lockCustomDomain,
  lockEnvironment,
  lockHeldHostname,
  recordAudit,
  type Tx,
  updateCustomDomain,
} from "../../internal/store/mod.ts";
import type { DomainDeps } from "./deps.ts";
import { nextCheckMs, verdictOf } from "./plan.ts";
import type { Applied, Check, Looked } from "./types.ts";

/** A result, and whether the edges' feed has changed. */
export interface ApplyResult {
  readonly applied: Applied;
  readonly changed: boolean;
}

const GONE: ApplyResult = { applied: { status: "gone", delayMs: null, ended: [] }, changed: false };
const ACTOR = { kind: "system", name: "domains" } as const;

/**
 * Locks environments, then domains, then the name: as all transactions about domains do. `undefined`: the name has changed
 * hands meanwhile, so that it is to be done again.
 */
export async function applyInTransaction(
  tx: Tx,
  deps: DomainDeps,
  { check, looked, nowMs }: { readonly check: Check; readonly looked: Looked; readonly nowMs: number },
): Promise<ApplyResult | undefined> {
  const seen = await findCustomDomainById(tx, check.domainId);
  if (seen === undefined) return GONE;
  const { hostname } = seen;
  const holder = await holderOf(tx, hostname);
  const environments = new Set([
    seen.environment_id,
    ...(holder === undefined ? [] : [holder.environment_id]),
  ]);
  const locked = new Map<string, EnvironmentsTable>();
  for (const id of [...environments].toSorted()) {
    const environment = await lockEnvironment(tx, id);
    if (environment !== undefined) locked.set(id, environment);
  }
  const row = await lockCustomDomain(tx, check.domainId);
  const environment = locked.get(seen.environment_id);
  if (row === undefined || environment === undefined) return GONE;
  // An earlier run of this very step committed and was not recorded.
  if (row.checks !== check.check) return { applied: appliedBefore(row, nowMs), changed: false };
  const held = await lockHeldHostname(tx, hostname, nowMs);
  const rival = held.workspace_id === row.workspace_id ? undefined : held.domain_id ?? undefined;
  // Its environment would have to be locked before it.
  if (rival !== undefined && rival !== holder?.id) return undefined;
  const findings = findingsOf(deps, { row, held, looked });
  const liveDeploymentId = environment.live_deployment_id ?? undefined;
  const facts = { row, held, findings, answered: looked.kind === "seen", liveDeploymentId, nowMs };
  return await write(tx, deps, facts);
}

async function holderOf(tx: Tx, hostname: string): Promise<CustomDomainsTable | undefined> {
  const held = await findHeldHostname(tx, hostname);
  return held?.domain_id === null || held === undefined
    ? undefined
    : await findCustomDomainById(tx, held.domain_id);
}

function appliedBefore({ status, next_check_at: nextAtMs }: CustomDomainsTable, nowMs: number): Applied {
  if (status === "failed") return { status, delayMs: null, ended: [] };
  const delayMs = Math.max(0, nextAtMs - nowMs);
  return { status: status === "verified" ? "verified" : "waiting", delayMs, ended: [] };
}

function findingsOf(
  { platform }: DomainDeps,
  { row, held, looked }: {
    readonly row: CustomDomainsTable;
    readonly held: HeldHostnamesTable;
    readonly looked: Looked;
  },
): Findings {
  const domain = judgedDomain(row, held, platform.authorities);
  if (looked.kind === "unanswered") return unanswered(domain, platform.addresses);
  const findings = judge(domain, looked.observation);
  // The settings of the api, which took the name, may differ from those here.
  const isOwn = platform.ownDomains.some((own) => isWithin(row.hostname, own));
  return isOwn ? { ...findings, proof: undefined } : findings;
}

interface Facts {
  readonly row: CustomDomainsTable;
  readonly held: HeldHostnamesTable;
  readonly findings: Findings;
  readonly answered: boolean;
  readonly liveDeploymentId: string | undefined;
  readonly nowMs: number;
}

async function write(tx: Tx, { limits }: DomainDeps, facts: Facts): Promise<ApplyResult> {
  const { row, findings: { proof, reaches, issues }, answered, nowMs } = facts;
  const sight = { proof, reaches: answered ? reaches : row.reaches === 1, answered };
  const verdict = verdictOf(row, sight, nowMs, limits);
  const spread = (nowMs % 1_000) / 1_000;
  const delayMs = nextCheckMs({ verdict, state: row, sight, spread }, nowMs);
  const isHeld = verdict.kind === "verified" || verdict.kind === "losing";
  const isNew = isHeld && row.status !== "verified";
  const status = isHeld ? "verified" : verdict.kind === "verifying" ? "verifying" : "failed";
  await updateCustomDomain(tx, row.id, {
    status,
    proof: answered ? proof ?? null : row.proof,
    reaches: sight.reaches ? 1 : 0,
    findings: encodeIssues(issues),
    checks: row.checks + 1,
    checked_at: nowMs,
    next_check_at: nowMs + (delayMs ?? 0),
    lost_at: verdict.kind === "losing" ? verdict.lostAtMs : null,
    ...(isNew ? { verified_at: nowMs } : {}),
    updated_at: nowMs,
  });
  const ended: string[] = [];
  if (isNew) ended.push(...await begin(tx, facts));
  if (verdict.kind === "lost") {
    const hadCertificate = await endDomain(tx, row, nowMs);
    await audit(tx, row, "domain.lose", nowMs, { hostname: row.hostname });
    if (hadCertificate) ended.push(row.hostname);
  }
  const shown = status === "verifying" ? "waiting" : status;
  return { applied: { status: shown, delayMs, ended }, changed: isNew || verdict.kind === "lost" };
}

/** The domain gets the name, from a rival if there is one, and its environment's traffic. Returns the names that lost a certificate. */
async function begin(
  tx: Tx,
  { row, held, findings, liveDeploymentId, nowMs }: Facts,
): Promise<readonly string[]> {
  const { id, hostname, workspace_id: workspaceId, environment_id: environmentId, project_id: projectId } =
    row;
  const isMove = held.workspace_id !== workspaceId && held.domain_id !== null;
  const hadCertificate = isMove && held.domain_id !== null && await yieldName(tx, held.domain_id, nowMs);
  await holdHostname(tx, { hostname, workspace_id: workspaceId, domain_id: id, updated_at: nowMs });
  if (liveDeploymentId !== undefined) {
    const routes = [{ hostname, sticky: "custom" as const }];
    const owner = { deploymentId: liveDeploymentId, environmentId, projectId, workspaceId };
    const assigned = await assignRoutes(tx, { ...owner, routes, nowMs });
    if (assigned.kind === "taken") throw new Fault("internal", `the route of ${hostname} has another owner`);
  }
  const redirecting = await listRedirectsTo(tx, { workspaceId, hostname });
  await announceHostnames(tx, { workspaceId, hostnames: redirecting }, nowMs);
  await audit(tx, row, "domain.verify", nowMs, { hostname, proof: findings.proof ?? "", moved: isMove });
  return hadCertificate ? [hostname] : [];
}

/** The former holder fails, with a text that says why. True: it had a certificate, or an order. */
async function yieldName(tx: Tx, domainId: string, nowMs: number): Promise<boolean> {
  const former = await lockCustomDomain(tx, domainId);
  if (former === undefined) return false;
  const issues = [{
    code: "moved" as const,
    message:
      `"${former.hostname}" was given to another workspace, which proved by a TXT record that it controls the name.`,
    fix:
      `If that was not meant, set TXT _unkey.${former.hostname} -> ${former.proof_text}, remove the other TXT record, ` +
      `and run "unkey domains retry ${former.hostname}".`,
  }];
  const hadCertificate = await endDomain(tx, former, nowMs);
  await updateCustomDomain(tx, domainId, {
    status: "failed",
    findings: encodeIssues(issues),
    proof: null,
    lost_at: null,
    updated_at: nowMs,
  });
  await audit(tx, former, "domain.lose", nowMs, { hostname: former.hostname, moved: true });
  return hadCertificate;
}

async function audit(
  tx: Tx,
  row: CustomDomainsTable,
  action: "domain.verify" | "domain.lose",
  nowMs: number,
  facts: Readonly<Record<string, string | boolean>>,
): Promise<void> {
  await recordAudit(tx, {
    workspaceId: row.workspace_id,
    actor: ACTOR,
    action,
    resource: { type: "domain", id: row.id },
    projectId: row.project_id,
    environmentId: row.environment_id,
    facts,
    nowMs,
  });
}
